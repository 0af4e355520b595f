import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors, isName } from "../cursor.ts";
import { problem, problems } from "../errors.ts";
import { cursorParameter, limitParameter, namedVehicle } from "../parameters.ts";
import { replaysOf } from "../supported.ts";

const params = z.object({ vehicle: z.string().min(1).max(1_024) });
const query = z.strictObject(namedVehicle);
const unsupported = { 501: problem("This store cannot.") };

const erasure = {
  method: "delete",
  ...withScope("operate"),
  responses: {
    200: {
      description: "It is out of the store; the numbers of its records stay in the books.",
      content: {
        "application/json": {
          schema: z.object({
            vehicle: z.string(),
            events: z.int(),
            deadLetters: z.int().openapi({ description: "Emptied: that something was refused there stays." }),
            conflicts: z.int(),
          }),
        },
      },
    },
    ...problems,
    ...unsupported,
  },
} as const;

const erase = createRoute({
  ...erasure,
  operationId: "eraseVehicle",
  path: "/api/v1/vehicles/{vehicle}",
  summary:
    "Erases a vehicle: all that is stored of it is removed, and nothing of it is stored until its suppression is ended",
  request: { params },
});

const eraseNamed = createRoute({
  ...erasure,
  operationId: "eraseNamedVehicle",
  path: "/api/v1/vehicles",
  summary: "The same, for a vehicle of any name; no path can hold the names `.` and `..`",
  request: { query },
});

const list = createRoute({
  method: "get",
  operationId: "listSuppressions",
  ...withScope("read"),
  path: "/api/v1/suppressions",
  summary: "Vehicles that were erased, in the order of names",
  request: { query: z.object({ limit: limitParameter(100, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": {
          schema: z.object({
            suppressions: z.array(
              z
                .object({
                  vehicle: z.string(),
                  atMs: z.int(),
                  by: z.string(),
                  events: z.int().openapi({ description: "Removed." }),
                  withheld: z.int().openapi({ description: "Came afterwards: in the books, and not stored." }),
                })
                .openapi("Suppression"),
            ),
            next: z.string().optional(),
          }),
        },
      },
    },
    ...problems,
    ...unsupported,
  },
});

const ending = {
  method: "delete",
  ...withScope("operate"),
  responses: {
    204: { description: "It is so from the next transaction on." },
    ...problems,
    404: problem("It is not suppressed."),
    ...unsupported,
  },
} as const;

const end = createRoute({
  ...ending,
  operationId: "endSuppression",
  path: "/api/v1/suppressions/{vehicle}",
  summary: "Ends the suppression: from now on the vehicle is stored again; a replay brings back what Kafka still has",
  request: { params },
});

const endNamed = createRoute({
  ...ending,
  operationId: "endNamedSuppression",
  path: "/api/v1/suppressions",
  summary: "The same, for a vehicle of any name; no path can hold the names `.` and `..`",
  request: { query },
});

interface Operator {
  readonly key: string;
  readonly requestId: string;
}

/** DELETE /api/v1/vehicles/{vehicle}, GET /api/v1/suppressions, DELETE /api/v1/suppressions/{vehicle}; both with ?vehicle= */
export function suppressions(dependencies: ApiDependencies) {
  const { report } = dependencies;
  const eraseOne = async (vehicle: string, by: Operator) => {
    const { operations } = replaysOf(dependencies);
    // Said before it is done: an erasure that dies half-way goes on by itself.
    report(operatorActed, { verb: "erase vehicle", vehicle, ...by });
    return { vehicle, ...(await operations.erase(vehicle, by.key)) };
  };
  const endOne = async (vehicle: string, by: Operator) => {
    const found = await replaysOf(dependencies).operations.unsuppress(vehicle);
    if (!found) throw new AppError(codes.CENTRAL_NOT_FOUND, `let "${vehicle}" in again: it is not suppressed`);
    report(operatorActed, { verb: "end suppression", vehicle, ...by });
  };
  return resource()
    .openapi(erase, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      return context.json(await eraseOne(context.req.valid("param").vehicle, by), 200);
    })
    .openapi(eraseNamed, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      return context.json(await eraseOne(context.req.valid("query").vehicle, by), 200);
    })
    .openapi(list, async (context) => {
      const { limit, cursor } = context.req.valid("query");
      const cursors = new Cursors("suppressions", [], isName);
      const [after] = cursors.read(cursor) ?? [""];
      const rows = await replaysOf(dependencies).reader.suppressions(after, limit + 1);
      const suppressions = rows.slice(0, limit).map((row) => ({ ...row }));
      const last = suppressions.at(-1);
      if (rows.length <= limit || last === undefined) return context.json({ suppressions }, 200);
      return context.json({ suppressions, next: cursors.write([last.vehicle]) }, 200);
    })
    .openapi(end, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      await endOne(context.req.valid("param").vehicle, by);
      return context.body(null, 204);
    })
    .openapi(endNamed, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      await endOne(context.req.valid("query").vehicle, by);
      return context.body(null, 204);
    });
}
