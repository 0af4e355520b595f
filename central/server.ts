import { parseAddress } from "../shared/config/address.ts";
import { AppError } from "../shared/errors/app-error.ts";
import { type Listening, YieldingServer } from "../shared/http/yielding-server.ts";
import type { Report } from "../shared/telemetry/log.ts";
import { jsonBytesMax } from "./api/body.ts";
import type { Caller } from "./api/caller.ts";
import { codes } from "./codes.ts";
import type { Certificate } from "./config/certificate.ts";
import { areScarce, type Descriptors } from "./descriptors.ts";
import { connectionsDropped } from "./telemetry.ts";
import { TlsFront } from "./tls/front.ts";

/** A listening server. */
export interface RunningServer {
  readonly url: string;
  /** How often all connections were closed, because descriptors were scarce. */
  readonly dropped: number;
  /** New connections get this certificate. */
  renew(certificate: Certificate): void;
  stop(): Promise<void>;
}

/** What answers requests. */
export interface Application {
  fetch(request: Request, caller: Caller): Response | Promise<Response>;
}

/** What watches over the connections. */
export interface ServeOptions {
  readonly report: Report;
  readonly descriptors: Descriptors;
  /** Of the largest body that a route takes. */
  readonly bodyBytesMax: number;
  /** Undefined: without TLS. */
  readonly certificate?: Certificate | undefined;
}

/** What listens at a moment; another one takes its place when descriptors are scarce. */
interface CentralListening extends Listening {
  readonly url: string;
  /** Connections or requests that are open. */
  open(): number;
  renew(certificate: Certificate): void;
}

/** Over the largest body that is taken: the route itself says it to whoever sends a little more, Bun without a word to others. */
const slackBytes = 1024 * 1024;

/** How often the descriptors are counted. */
const lookEveryMs = 200;

/** @throws AppError `CENTRAL_ADDRESS_IN_USE`. */
export function serve(application: Application, listen: string, options: ServeOptions): RunningServer {
  const { report, descriptors } = options;
  let { certificate } = options;
  let dropped = 0;
  const server = new YieldingServer({
    start: () => startListening(application, listen, { ...options, certificate }),
    isScarce: () => areScarce(descriptors),
    lookEveryMs,
    onYield: (listening) => {
      if (listening !== undefined) dropped++;
      report(connectionsDropped, { used: descriptors.used(), limit: descriptors.limit, open: listening?.open() });
    },
  });
  return {
    url: server.first.url,
    get dropped() {
      return dropped;
    },
    renew: (renewed) => {
      certificate = renewed;
      try {
        server.now?.renew(renewed);
      } catch {
        server.startAgain();
      }
    },
    stop: () => server.stop(),
  };
}

function startListening(application: Application, listen: string, options: ServeOptions): CentralListening {
  const { certificate, bodyBytesMax, report } = options;
  if (certificate === undefined) {
    const server = startHttp(listen, bodyBytesMax, (request) => application.fetch(request, nobody));
    return {
      url: server.url.href,
      open: () => server.pendingRequests,
      renew: () => undefined,
      stop: () => server.stop(true),
    };
  }
  const inner = startHttp("127.0.0.1:0", bodyBytesMax, (request, port) => {
    const caller = front.callerAt(port);
    return caller === undefined ? new Response("ask over TLS\n", { status: 421 }) : application.fetch(request, caller);
  });
  const front = startFront({ listen, certificate, innerPort: Number(inner.port), report }, () => inner.stop(true));
  return {
    url: front.url,
    open: () => front.connections,
    renew: (renewed) => front.renew(renewed),
    stop: async () => {
      front.stop();
      await inner.stop(true);
    },
  };
}

const nobody: Caller = { certificate: undefined };

function startFront(options: ConstructorParameters<typeof TlsFront>[0], giveUp: () => void): TlsFront {
  try {
    return new TlsFront(options);
  } catch (thrown) {
    giveUp();
    throw thrown;
  }
}

type Answer = (request: Request, port: number) => Response | Promise<Response>;

function startHttp(listen: string, bodyBytesMax: number, answer: Answer) {
  const { host: hostname, port } = parseAddress(listen);
  try {
    return Bun.serve({
      hostname,
      port,
      fetch: (request, server) => {
        const from = server.requestIP(request)?.port ?? 0;
        return request.method === "HEAD" ? head(request, (get) => answer(get, from)) : answer(request, from);
      },
      idleTimeout: 30,
      maxRequestBodySize: Math.max(bodyBytesMax, jsonBytesMax) + slackBytes,
      // h2c and HTTP/1.1 on one port. A client that opens many streams has one connection of the descriptors.
      http2: true,
      development: false,
      // Bun sets SO_REUSEPORT otherwise: a second central would start, and take half of the requests.
      reusePort: false,
    });
  } catch (thrown) {
    throw new AppError(codes.CENTRAL_ADDRESS_IN_USE, `listen on ${listen}`, { cause: thrown });
  }
}

/** The answer to HEAD is that to GET without its body, the length of it among the headers (RFC 9110, 9.3.2). */
async function head(
  { url, headers: asked }: Request,
  answer: (get: Request) => Response | Promise<Response>,
): Promise<Response> {
  const { status, headers, body } = await answer(new Request(url, { method: "GET", headers: asked }));
  // What is made while it is read may have no end: its length is left out, and nothing of it is made.
  if (/^(application\/x-ndjson|text\/(csv|event-stream))/.test(headers.get("Content-Type") ?? "")) {
    await body?.cancel();
    return new Response(null, { status, headers });
  }
  let length = 0;
  if (body !== null) for await (const part of body) length += part.byteLength;
  const told = new Headers(headers);
  told.set("Content-Length", String(length));
  return new Response(null, { status, headers: told });
}
