/**
 * The HTTP API as a value: no port, no globals; tests call `createApi(…).request("/api/v1/…")`. A resource is a folder of
 * `api/` and a line of the list below, through which its types reach the client (`client.ts`).
 */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { AppError } from "../shared/errors/app-error.ts";
import { alerts } from "./api/alerts/routes.ts";
import { type ApiDependencies, type ApiEnvironment, resource } from "./api/api.ts";
import { books } from "./api/books/routes.ts";
import { codes } from "./api/codes.ts";
import { completeness } from "./api/completeness/routes.ts";
import { conflicts } from "./api/conflicts/routes.ts";
import { deadLetters } from "./api/dead-letters/routes.ts";
import { problemResponse } from "./api/errors.ts";
import { events } from "./api/events/routes.ts";
import { liveFeed } from "./api/feed/routes.ts";
import { fleet } from "./api/fleet/routes.ts";
import { gaps } from "./api/gaps/routes.ts";
import { Guard, type GuardOptions } from "./api/guard.ts";
import { health } from "./api/health/routes.ts";
import { iceberg } from "./api/iceberg/routes.ts";
import { lake } from "./api/lake/routes.ts";
import { ledger } from "./api/ledger/routes.ts";
import { refuseOtherMethods } from "./api/methods.ts";
import { outages } from "./api/outages/routes.ts";
import { quarantine } from "./api/quarantine/routes.ts";
import { RateLimit } from "./api/rate-limit.ts";
import { redrives } from "./api/redrives/routes.ts";
import { relay } from "./api/relay/routes.ts";
import { replayStream } from "./api/replay-stream/routes.ts";
import { replays } from "./api/replays/routes.ts";
import { rules } from "./api/rules/routes.ts";
import { series } from "./api/series/routes.ts";
import { status } from "./api/status/routes.ts";
import { suppressions } from "./api/suppressions/routes.ts";
import { traceIdOf } from "./api/trace.ts";
import { vehicles } from "./api/vehicles/routes.ts";
import { requestAnswered } from "./telemetry.ts";
import { page } from "./web/routes.ts";

const description = {
  openapi: "3.1.0",
  info: {
    title: "Tailgate central",
    version: "1",
    description: `What the vehicles sent: states, events, and the books that prove nothing is missing.

Lists come in pages: at most \`limit\` rows and some 4 MiB, then \`next\` is the cursor of the page after it. Only the last page
has no \`next\`. A cursor belongs to the parameters that it was made with; \`limit\` alone may change. Errors are
\`application/problem+json\` with a code and a hint.`,
  },
};

/** All routes, mounted. */
export function createApi(dependencies: ApiDependencies, guarding: Partial<GuardOptions> = {}) {
  const api = base(dependencies, guarding)
    .route("/", page(dependencies))
    .route("/", health(dependencies))
    .route("/", vehicles(dependencies))
    .route("/", events(dependencies))
    .route("/", liveFeed(dependencies))
    .route("/", series(dependencies))
    .route("/", ledger(dependencies))
    .route("/", quarantine(dependencies))
    .route("/", relay(dependencies))
    .route("/", status(dependencies))
    .route("/", deadLetters(dependencies))
    .route("/", redrives(dependencies))
    .route("/", replayStream(dependencies))
    .route("/", replays(dependencies))
    .route("/", suppressions(dependencies))
    .route("/", gaps(dependencies))
    .route("/", conflicts(dependencies))
    .route("/", alerts(dependencies))
    .route("/", rules(dependencies))
    .route("/", fleet(dependencies))
    .route("/", completeness(dependencies))
    .route("/", outages(dependencies))
    .route("/", books(dependencies))
    .route("/", lake(dependencies))
    .route("/", iceberg(dependencies));
  api.get("/api/v1/openapi.json", async (context) => {
    const { path } = context.req;
    const traceId = context.get("traceId");
    await context.get("guard").check("read", { authorization: context.req.header("Authorization"), path, traceId });
    return context.json(openApiDocument(api));
  });
  refuseOtherMethods(api);
  return api;
}

/** The application with all its routes: what a client's types are made from. */
export type CentralApi = ReturnType<typeof createApi>;

function base(dependencies: ApiDependencies, guarding: Partial<GuardOptions>) {
  const { report, keys, isOurHost, clock, requestsPerSecond, relayNeedsCertificate } = dependencies;
  const api = resource();
  const rateLimit = new RateLimit(requestsPerSecond, clock);
  const guard = new Guard({ keys, report, rateLimit, relayNeedsCertificate, ...guarding });
  api.use(async (context, next) => {
    const requestId = crypto.randomUUID();
    context.set("requestId", requestId);
    context.set("traceId", traceIdOf(context.req.header("traceparent")));
    context.set("guard", guard);
    const host = context.req.header("Host");
    if (!isOurHost(host)) throw new AppError(codes.CENTRAL_HOST_REFUSED, `answer a request for the host "${host}"`);
    if (!isDecodable(context.req.url)) {
      throw new AppError(
        codes.CENTRAL_BAD_REQUEST,
        "read the path: it has % and what are no two digits of UTF-8 after it",
      );
    }
    await next();
  });
  api.use(async (context, next) => {
    const fromMs = clock.uptimeMs();
    await next();
    const { method, path } = context.req;
    const { requestId, traceId } = context.var;
    const ms = Math.round(clock.uptimeMs() - fromMs);
    report(requestAnswered, { method, path, status: context.res.status, ms, requestId, traceId });
    context.header("X-Request-Id", context.get("requestId"));
    context.header("X-Content-Type-Options", "nosniff");
    // What is shown is true now, and for whoever has the key; the page and its files, which hold no data, say otherwise.
    if (!context.res.headers.has("Cache-Control")) context.header("Cache-Control", "no-store");
  });
  api.onError((thrown, context) => problemResponse(thrown, context, report));
  api.notFound(async (context) => {
    const { path } = context.req;
    try {
      // Whoever has no key is not told what there is.
      const traceId = context.get("traceId");
      await guard.check("read", { authorization: context.req.header("Authorization"), path, traceId });
      throw new AppError(codes.CENTRAL_NOT_FOUND, `${path}: no such page`);
    } catch (thrown) {
      return problemResponse(thrown instanceof Error ? thrown : new Error(String(thrown)), context, report);
    }
  });
  api.openAPIRegistry.registerComponent("securitySchemes", "key", { type: "http", scheme: "bearer" });
  return api;
}

/** A path that cannot be decoded would name something else than was meant: a vehicle to be erased, for one. */
function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(new URL(url).pathname);
    return true;
  } catch (thrown) {
    if (thrown instanceof URIError) return false;
    throw thrown;
  }
}

/** What the HTTP server itself says, whatever the route. */
const tooLong = { description: "The address and the headers have more than 16 KiB. There is no body." };

/** The OpenAPI 3.1 document of the routes. */
export function openApiDocument(api: Pick<OpenAPIHono<ApiEnvironment>, "getOpenAPI31Document">) {
  const document = api.getOpenAPI31Document(description);
  for (const path of Object.values(document.paths ?? {})) {
    for (const method of ["get", "put", "post", "delete"] as const) {
      const responses = path[method]?.responses;
      if (responses !== undefined) responses["431"] ??= tooLong;
    }
  }
  return document;
}
