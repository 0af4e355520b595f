import { chmodSync, rmSync } from "node:fs";
import { isLocal, type ListenAddress, showAddress } from "../../shared/config/listen-address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { shortageOf } from "../../shared/files/descriptor-shortage.ts";
import { ourHosts } from "../../shared/http/our-host.ts";
import { YieldingServer } from "../../shared/http/yielding-server.ts";
import { inTheWay, ownFolder, removeStaleSocket, socketTrouble } from "../../shared/system/unix-socket.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import { codes } from "./codes.ts";
import { answerTap, type TapPage } from "./tap-page.ts";
import { adminReport, signals } from "./telemetry.ts";

/** What the pages are made from. */
export interface AdminPages {
  /** Prometheus text. */
  readonly metrics: () => string;
  /** The process does its work: false means that it should be started again. */
  readonly live: () => boolean;
  /** What keeps it from its work, a sentence each; none when sources and channels run and no lane has failed. A destination that is away does not make an agent unready: it buffers. */
  readonly unready: () => readonly string[];
  /** Plain values. */
  readonly status: () => unknown;
  readonly tap: TapPage;
}

/** The HTTP for operators: `/metrics`, `/livez`, `/readyz`, `/status`, `/tap`. Read only. */
export interface AdminServer {
  /** Where it listens, with the port that the system picked when 0 was asked for. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Who is told of connections that were closed. */
export interface AdminWatch {
  readonly report: Report;
  readonly metrics: Metrics;
}

/** As many as reading a folder, the brokers and the channel's files may want in a moment. */
const spareDescriptors = 32;
const lookEveryMs = 500;

/** Starts listening. @throws AppError `EDGE_ADMIN_ADDRESS` when the address cannot be had. */
export function startAdmin(address: ListenAddress, pages: AdminPages, watch: AdminWatch): AdminServer {
  // Listening on other addresses is asking to be reached by any name; on loopback a foreign name is a rebound one.
  const isOurs = address.kind === "tcp" && isLocal(address) ? ourHosts([]) : () => true;
  const fetch = (request: Request, own: Bun.Server<undefined>) =>
    isOurs(request.headers.get("host") ?? undefined)
      ? answer(request, pages, () => own.timeout(request, 0))
      : misdirected();
  const report = adminReport(watch.report, watch.metrics);
  // The port that the system picked stays the port.
  let where = address;
  const start = (): AdminServer => {
    if (where.kind === "unix") return onSocket(where.path, fetch);
    const { host } = where;
    const server = onPort(where, fetch);
    where = { ...where, port: server.port ?? where.port };
    return { url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`, stop: () => server.stop(true) };
  };
  const server = new YieldingServer({
    start,
    isScarce: () => shortageOf(spareDescriptors) !== undefined,
    lookEveryMs,
    onYield: (listening) => {
      if (listening !== undefined) report(signals.dropped, { address: showAddress(where) });
    },
  });
  return { url: server.first.url, stop: () => server.stop() };
}

type Fetch = (request: Request, own: Bun.Server<undefined>) => Response;

function onPort(address: Extract<ListenAddress, { kind: "tcp" }>, fetch: Fetch): Bun.Server<undefined> {
  const { host: hostname, port } = address;
  return listen(address, () => Bun.serve({ hostname, port, fetch, reusePort: false, development: false }));
}

/** Whoever may open the file may ask: our user, and root. */
function onSocket(path: string, fetch: Fetch): AdminServer {
  const address = { kind: "unix" as const, path };
  const server = listen(address, () => {
    const why = ownFolder(path);
    if (why !== undefined) throw new Error(why);
    removeStaleSocket(path);
    const other = inTheWay(path);
    if (other !== undefined) throw new Error(other);
    return Bun.serve({ unix: path, fetch, development: false });
  });
  chmodSync(path, 0o600);
  const stop = async () => {
    const stopped = server.stop(true);
    // Before anything else happens: another server may listen there in a moment.
    rmSync(path, { force: true });
    await stopped;
  };
  return { url: `unix:${path}`, stop };
}

/** Why nobody could listen there now; undefined: nothing is to be seen. A port is tried and let go of, files are only looked at. */
export async function adminRefusal(address: ListenAddress): Promise<AppError | undefined> {
  if (address.kind === "unix") {
    const why = socketTrouble(address.path);
    return why === undefined ? undefined : addressError(address, why);
  }
  try {
    await onPort(address, () => new Response("not yet\n", { status: 503 })).stop(true);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
}

function listen<Server>(address: ListenAddress, open: () => Server): Server {
  try {
    return open();
  } catch (thrown) {
    throw addressError(address, messageOf(thrown));
  }
}

function addressError(address: ListenAddress, why: string): AppError {
  return new AppError(codes.EDGE_ADMIN_ADDRESS, `listen on ${showAddress(address)} for the admin HTTP: ${why}`);
}

function answer(request: Request, pages: AdminPages, keepOpen: () => void): Response {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("only GET\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  switch (new URL(request.url).pathname) {
    case "/metrics":
      return new Response(pages.metrics(), {
        headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
      });
    case "/livez":
      return probe(pages.live(), "live", "not live");
    case "/readyz":
      return readiness(pages.unready());
    case "/status":
      return Response.json(pages.status());
    case "/tap":
      return answerTap(request, pages.tap, keepOpen);
    case "/":
      return new Response("/metrics\n/livez\n/readyz\n/status\n/tap\n");
    default:
      return new Response("there is /metrics, /livez, /readyz, /status and /tap\n", { status: 404 });
  }
}

function readiness(reasons: readonly string[]): Response {
  if (reasons.length === 0) return new Response("ready\n");
  return new Response(`not ready\n${reasons.map((reason) => `${reason}\n`).join("")}`, { status: 503 });
}

/** A page from elsewhere whose name was made to point here (DNS rebinding) must not read what only this machine may. */
function misdirected(): Response {
  return new Response("ask by address or as localhost: this name is not ours\n", { status: 421 });
}

function probe(good: boolean, yes: string, no: string): Response {
  return new Response(`${good ? yes : no}\n`, { status: good ? 200 : 503 });
}
