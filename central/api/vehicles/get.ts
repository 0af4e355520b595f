import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Api, ApiDependencies } from "../api.ts";
import { problemsWithNotFound } from "../errors.ts";
import { Vehicle, vehicleBody } from "./schema.ts";

const route = createRoute({
  method: "get",
  path: "/api/v1/vehicles/{vehicle}",
  summary: "The last state of each stream of one vehicle",
  request: { params: z.object({ vehicle: z.string().min(1).max(256).openapi({ example: "car-001" }) }) },
  responses: {
    200: { description: "The vehicle.", content: { "application/json": { schema: Vehicle } } },
    ...problemsWithNotFound,
  },
});

/** GET /api/v1/vehicles/{vehicle} */
export function getVehicle(api: Api, { reader, clock }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { vehicle } = context.req.valid("param");
    const state = await reader.vehicle(vehicle);
    if (state === undefined)
      throw new AppError("CENTRAL_NOT_FOUND", `read the vehicle "${vehicle}": never heard of it`);
    return context.json(vehicleBody(state, clock.now()), 200);
  });
}
