import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { alertBody } from "../../rules/alert-body.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { bytesOf, cutPage } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { Alert } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listAlerts",
  ...withScope("read"),
  path: "/api/v1/alerts",
  summary: "Alerts of the rules over events, newest first",
  request: {
    query: z.object({
      vehicle: z.string().optional(),
      rule: z.string().optional(),
      state: z.enum(["firing", "resolved", "occurred"]).optional(),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: z.object({ alerts: z.array(Alert), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

/** GET /api/v1/alerts */
export function alerts({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    if (reader.rules === undefined) throw new AppError(codes.CENTRAL_NOT_IN_THIS_STORE, "list alerts");
    const { vehicle, rule, state, limit, cursor } = context.req.valid("query");
    const query = [vehicle ?? null, rule ?? null, state ?? null];
    const cursors = new Cursors("alerts", query, isNumbers(1));
    const [before] = cursors.read(cursor) ?? [];
    const found = await reader.rules.alerts({ vehicle, rule, state, before, limit: limit + 1 });
    const { rows, more } = cutPage(found, limit, ({ vehicle, value, annotations, event }) =>
      bytesOf(vehicle, value, event, ...Object.values(annotations)),
    );
    const alerts = rows.map(alertBody);
    const last = rows.at(-1);
    if (!more || last === undefined) return context.json({ alerts }, 200);
    return context.json({ alerts, next: cursors.write([last.number]) }, 200);
  });
}
