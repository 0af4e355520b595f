import { isLoopback } from "../../shared/config/address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { ourHosts } from "../../shared/http/our-host.ts";
import type { AdminAddress } from "../config/agent-config.ts";
import { codes } from "./codes.ts";

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
}

/** The HTTP for operators: `/metrics`, `/livez`, `/readyz`, `/status`. Read only. */
export interface AdminServer {
  /** Where it listens, with the port that the system picked when 0 was asked for. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts listening. @throws AppError `EDGE_ADMIN_ADDRESS` when the address cannot be had. */
export function startAdmin({ host, port }: AdminAddress, pages: AdminPages): AdminServer {
  // Listening on other addresses is asking to be reached by any name; on loopback a foreign name is a rebound one.
  const isOurs = isLoopback({ host }) ? ourHosts([]) : () => true;
  const server = listen(host, port, (request) =>
    isOurs(request.headers.get("host") ?? undefined) ? answer(request, pages) : misdirected(),
  );
  const shown = host.includes(":") ? `[${host}]` : host;
  return { url: `http://${shown}:${server.port}`, stop: () => server.stop(true) };
}

function listen(hostname: string, port: number, fetch: (request: Request) => Response) {
  try {
    return Bun.serve({ hostname, port, fetch, reusePort: false, development: false });
  } catch (thrown) {
    throw new AppError(
      codes.EDGE_ADMIN_ADDRESS,
      `listen on ${hostname}:${port} for the admin HTTP: ${messageOf(thrown)}`,
    );
  }
}

function answer(request: Request, pages: AdminPages): Response {
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
    case "/":
      return new Response("/metrics\n/livez\n/readyz\n/status\n");
    default:
      return new Response("there is /metrics, /livez, /readyz and /status\n", { status: 404 });
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
