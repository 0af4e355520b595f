import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, limitParameter } from "../values.ts";
import { Vehicle, vehicleBody } from "./schema.ts";

const route = createRoute({
  method: "get",
  path: "/api/v1/vehicles",
  summary: "Vehicles and the last state of each of their streams, in the order of names",
  request: { query: z.object({ limit: limitParameter(100, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page of vehicles.",
      content: {
        "application/json": { schema: z.object({ vehicles: z.array(Vehicle), next: z.string().optional() }) },
      },
    },
    ...problems,
  },
});

/** GET /api/v1/vehicles */
export function listVehicles(api: Api, { reader, clock }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const after = cursor === undefined ? "" : Buffer.from(cursor, "base64url").toString("utf8");
    const found = await reader.vehicles(after, limit + 1);
    const vehicles = found.slice(0, limit).map((state) => vehicleBody(state, clock.now()));
    const last = vehicles.at(-1);
    const next =
      found.length > limit && last !== undefined ? Buffer.from(last.vehicle).toString("base64url") : undefined;
    return context.json({ vehicles, ...(next === undefined ? {} : { next }) }, 200);
  });
}
