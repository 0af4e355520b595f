import { chmodSync, rmSync } from "node:fs";
import { isLocal, type ListenAddress, showAddress } from "../../shared/config/listen-address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { ourHosts } from "../../shared/http/our-host.ts";
import { inTheWay, ownFolder, removeStaleSocket, socketTrouble } from "../../shared/system/unix-socket.ts";
import { codes } from "./codes.ts";
import { answerTap, type TapPage } from "./tap-page.ts";

/** What the pages are made from. */
export interface AdminPages {
  /** Prometheus text. */
  readonly metrics: () => string;
  /** The process does its work: false means that it should be started again. */
  readonly live: () => boolean;
  /** What keeps it from its work, a sentence each; none when sources and channels run. A destination that is away does not make an agent unready: it buffers. */
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

/** Starts listening. @throws AppError `EDGE_ADMIN_ADDRESS` when the address cannot be had. */
export function startAdmin(address: ListenAddress, pages: AdminPages): AdminServer {
  // Listening on other addresses is asking to be reached by any name; on loopback a foreign name is a rebound one.
  const isOurs = address.kind === "tcp" && isLocal(address) ? ourHosts([]) : () => true;
  const fetch = (request: Request, own: Bun.Server<undefined>) =>
    isOurs(request.headers.get("host") ?? undefined)
      ? answer(request, pages, () => own.timeout(request, 0))
      : misdirected();
  if (address.kind === "unix") return onSocket(address.path, fetch);
  const { host } = address;
  const server = onPort(address, fetch);
  return { url: `http://${host.includes(":") ? `[${host}]` : host}:${server.port}`, stop: () => server.stop(true) };
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
    await server.stop(true);
    rmSync(path, { force: true });
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
