import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { pageBytesMax } from "../page.ts";
import {
  cursorParameter,
  limitParameter,
  nameParameter,
  timeDescription,
  timeMsMax,
  timeParameter,
} from "../parameters.ts";
import { Event, eventBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listEvents",
  ...withScope("read"),
  path: "/api/v1/events",
  summary: "Events of a vehicle in the order of time",
  request: {
    query: z.object({
      vehicle: nameParameter(),
      stream: nameParameter("All streams when not given.").optional(),
      from: timeParameter.optional().openapi(timeDescription("Inclusive.")),
      to: timeParameter.optional().openapi(timeDescription("Exclusive.")),
      order: z.enum(["asc", "desc"]).default("asc").openapi({ description: "desc: the latest first." }),
      limit: limitParameter(100, 10_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page. Pages stay what they are while more is stored: no event twice, none skipped.",
      content: { "application/json": { schema: z.object({ events: z.array(Event), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

/** GET /api/v1/events */
export function events({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { vehicle, stream, from, to, order, limit, cursor } = context.req.valid("query");
    const fromMs = from ?? -timeMsMax;
    const toMs = to ?? timeMsMax;
    if (fromMs >= toMs) throw new AppError(codes.CENTRAL_BAD_REQUEST, "read events: `from` is not before `to`");
    const cursors = new Cursors("events", [vehicle, stream ?? null, fromMs, toMs, order], isNumbers(3));
    const position = cursors.read(cursor);
    const after = position && { time: position[0], source: position[1], offset: position[2] };
    const page = await reader.events({ vehicle, stream, fromMs, toMs, order, after, limit, bytesMax: pageBytesMax });
    const last = page.events.at(-1)?.position;
    const events = page.events.map((row) => eventBody(vehicle, row));
    if (!page.more || last === undefined) return context.json({ events }, 200);
    return context.json({ events, next: cursors.write([last.time, last.source, last.offset]) }, 200);
  });
}
