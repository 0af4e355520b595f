import { createRoute } from "@hono/zod-openapi";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problems } from "../errors.ts";
import { LagBody, Status } from "./schema.ts";

const getStatus = createRoute({
  method: "get",
  operationId: "getStatus",
  ...withScope("read"),
  path: "/api/v1/status",
  summary: "The numbers of this central in one object: stored, missing, lag, what is not ready",
  responses: {
    200: { description: "The numbers.", content: { "application/json": { schema: Status } } },
    ...problems,
  },
});

const getLag = createRoute({
  method: "get",
  operationId: "getLag",
  ...withScope("read"),
  path: "/api/v1/lag",
  summary: "How far each partition is stored, how far that is from its end, and who reads it",
  responses: {
    200: { description: "All partitions.", content: { "application/json": { schema: LagBody } } },
    ...problems,
  },
});

/** GET /api/v1/status, GET /api/v1/lag */
export function status({ status }: ApiDependencies) {
  return resource()
    .openapi(getStatus, async (context) => context.json(await status.summary(), 200))
    .openapi(getLag, async (context) => context.json(await status.lag(), 200));
}
