import { parseAddress } from "../shared/config/address.ts";
import { AppError } from "../shared/errors/app-error.ts";
import type { Report } from "../shared/telemetry/log.ts";
import { codes } from "./codes.ts";
import { areScarce, type Descriptors } from "./descriptors.ts";
import { connectionsDropped } from "./telemetry.ts";

/** A listening server. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** What answers requests. */
export interface Application {
  fetch(request: Request): Response | Promise<Response>;
}

/** What watches over the connections. */
export interface ServeOptions {
  readonly report: Report;
  readonly descriptors: Descriptors;
  /** Of the largest body that a route takes. */
  readonly bodyBytesMax: number;
}

/** Over the largest body that is taken: the route itself says it to whoever sends a little more. */
const slackBytes = 64 * 1024;

/** How often the descriptors are counted. */
const lookEveryMs = 200;

/** @throws AppError `CENTRAL_ADDRESS_IN_USE`. */
export function serve(application: Application, listen: string, options: ServeOptions): RunningServer {
  const { report, descriptors, bodyBytesMax } = options;
  let server: ReturnType<typeof start> | undefined = start(application, listen, bodyBytesMax);
  const url = server.url.href;
  const look = setInterval(() => {
    if (server !== undefined && !areScarce(descriptors)) return;
    const { limit } = descriptors;
    report(connectionsDropped, { used: descriptors.used(), limit, open: server?.pendingRequests });
    // At once, idle ones too: `stop` without it would wait for them.
    server?.stop(true);
    server = undefined;
    try {
      server = start(application, listen, bodyBytesMax);
    } catch {
      // The port is not free yet: with the next look.
    }
  }, lookEveryMs);
  const stop = async () => {
    clearInterval(look);
    await server?.stop(true);
  };
  return { url, stop };
}

function start(application: Application, listen: string, bodyBytesMax: number) {
  const { host: hostname, port } = parseAddress(listen);
  try {
    return Bun.serve({
      hostname,
      port,
      fetch: (request) => (request.method === "HEAD" ? head(application, request) : application.fetch(request)),
      idleTimeout: 30,
      maxRequestBodySize: bodyBytesMax + slackBytes,
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
async function head(application: Application, request: Request): Promise<Response> {
  const { url, headers: asked } = request;
  const { status, headers, body } = await application.fetch(new Request(url, { method: "GET", headers: asked }));
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
