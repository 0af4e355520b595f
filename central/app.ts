/** The HTTP API as a value: no port, no globals; tests call `createApi(…).request("/api/v1/…")`. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { AppError } from "../shared/errors/app-error.ts";
import { listConflicts } from "./api/alerts/conflicts.ts";
import { listDeadLetters } from "./api/alerts/dead-letters.ts";
import { listGaps } from "./api/alerts/gaps.ts";
import type { Api, ApiDependencies, ApiEnvironment } from "./api/api.ts";
import { requireKey } from "./api/auth.ts";
import { problemResponse } from "./api/errors.ts";
import { listEvents } from "./api/events/list.ts";
import { addHealth } from "./api/health.ts";
import { listLedger } from "./api/ledger/list.ts";
import { getStatus } from "./api/status/get.ts";
import { getLag } from "./api/status/lag.ts";
import { getVehicle } from "./api/vehicles/get.ts";
import { listVehicles } from "./api/vehicles/list.ts";
import { page, pageSecurity } from "./web/page.ts";

const description = {
  openapi: "3.1.0",
  info: {
    title: "Tailgate central",
    version: "1",
    description: "What the vehicles sent: states, events, and the books that prove nothing is missing.",
  },
  security: [{ key: [] }],
};

/** All routes, mounted. */
export function createApi(dependencies: ApiDependencies): Api {
  const api: Api = new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (result.success) return;
      const mistakes = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new AppError("CENTRAL_BAD_REQUEST", `read the parameters: ${mistakes.join("; ")}`);
    },
  });
  api.use(async (context, next) => {
    const requestId = crypto.randomUUID();
    context.set("requestId", requestId);
    await next();
    context.header("X-Request-Id", requestId);
    context.header("X-Content-Type-Options", "nosniff");
  });
  api.onError((thrown, context) => problemResponse(thrown, context, dependencies.report));
  api.notFound((context) =>
    problemResponse(
      new AppError("CENTRAL_NOT_FOUND", `${context.req.path}: no such page`),
      context,
      dependencies.report,
    ),
  );
  if (dependencies.apiKey !== undefined) api.use(requireKey(dependencies.apiKey));
  for (const add of routes) add(api, dependencies);
  addHealth(api, dependencies);
  api.openAPIRegistry.registerComponent("securitySchemes", "key", { type: "http", scheme: "bearer" });
  api.get("/api/v1/openapi.json", (context) => context.json(openApiDocument(api)));
  api.get("/", (context) => context.html(page, 200, pageSecurity));
  return api;
}

const routes = [
  listVehicles,
  getVehicle,
  listEvents,
  listLedger,
  getStatus,
  getLag,
  listDeadLetters,
  listGaps,
  listConflicts,
] as const;

/** The OpenAPI 3.1 document of the routes. */
export function openApiDocument(api: Api): object {
  return api.getOpenAPI31Document(description);
}
