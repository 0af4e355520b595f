import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { VehicleState } from "../../store/reader.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors, isName } from "../cursor.ts";
import { problems, problemsWithNotFound } from "../errors.ts";
import { bytesOf, cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter, nameParameter, numberParameter } from "../parameters.ts";
import { Vehicle, vehicleBody } from "./schema.ts";

const valueBytes = numberParameter(
  { min: 0, max: 65_536, standard: 4_096 },
  "Bytes of each last state that are handed out; a longer one is cut here, and whole under /api/v1/events.",
);

const list = createRoute({
  method: "get",
  operationId: "listVehicles",
  ...withScope("read"),
  path: "/api/v1/vehicles",
  summary: "Vehicles and the last state of each of their streams, in the order of names",
  request: {
    query: z.object({
      vehicle: nameParameter("Only this one: for names that cannot stand in a path, as `.` and `..`.").optional(),
      valueBytes,
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
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

const one = createRoute({
  method: "get",
  operationId: "getVehicle",
  ...withScope("read"),
  path: "/api/v1/vehicles/{vehicle}",
  summary: "The last state of each stream of one vehicle",
  request: {
    params: z.object({ vehicle: z.string().min(1).max(256).openapi({ example: "car-001" }) }),
    query: z.object({ valueBytes }),
  },
  responses: {
    200: { description: "The vehicle.", content: { "application/json": { schema: Vehicle } } },
    ...problemsWithNotFound,
  },
});

/** GET /api/v1/vehicles, GET /api/v1/vehicles/{vehicle} */
export function vehicles({ reader, clock }: ApiDependencies) {
  return resource()
    .openapi(list, async (context) => {
      const { vehicle, valueBytes: valueBytesMax, limit, cursor } = context.req.valid("query");
      const bounds = { valueBytesMax, bytesMax: pageBytesMax };
      const cursors = new Cursors("vehicles", [vehicle ?? null], isName);
      const [after] = cursors.read(cursor) ?? [""];
      if (vehicle !== undefined) {
        const found = await reader.vehicle(vehicle, bounds);
        return context.json({ vehicles: found === undefined ? [] : [vehicleBody(found, clock.now())] }, 200);
      }
      const { rows, more } = cutPage(await reader.vehicles(after, limit + 1, bounds), limit, vehicleBytes);
      const vehicles = rows.map((state) => vehicleBody(state, clock.now()));
      const last = vehicles.at(-1);
      if (!more || last === undefined) return context.json({ vehicles }, 200);
      return context.json({ vehicles, next: cursors.write([last.vehicle]) }, 200);
    })
    .openapi(one, async (context) => {
      const { vehicle } = context.req.valid("param");
      const { valueBytes: valueBytesMax } = context.req.valid("query");
      const state = await reader.vehicle(vehicle, { valueBytesMax, bytesMax: pageBytesMax });
      if (state === undefined)
        throw new AppError(codes.CENTRAL_NOT_FOUND, `read the vehicle "${vehicle}": never heard of it`);
      return context.json(vehicleBody(state, clock.now()), 200);
    });
}

function vehicleBytes({ vehicle, streams }: VehicleState): number {
  return streams.reduce((sum, { stream, value }) => sum + bytesOf(stream, value), bytesOf(vehicle));
}
