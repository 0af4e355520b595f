import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { EventRow } from "../../store/reader.ts";
import type { Api, ApiDependencies } from "../api.ts";
import { problems } from "../errors.ts";
import { cursorParameter, formatCursor, limitParameter, parseCursor, Value, valueFields } from "../values.ts";

/** The end of time, for those who do not name one. */
const timeMsMax = 8.64e15;

const time = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = /^-?\d+$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isSafeInteger(ms) && Math.abs(ms) <= timeMsMax) return ms;
    context.addIssue({ code: "custom", message: "write milliseconds since 1970, or an ISO 8601 time" });
    return z.NEVER;
  })
  .openapi({ type: "string", description: "Milliseconds since 1970, or ISO 8601.", example: "2026-11-20T12:00:00Z" });

const Event = z
  .object({
    timeMs: z.int().openapi({ description: "Event time." }),
    vehicle: z.string(),
    stream: z.string(),
    identity: z
      .object({ agent: z.string(), epoch: z.string(), lane: z.int(), seq: z.int() })
      .optional()
      .openapi({ description: "Absent: the record carried none; topic, partition and offset name it." }),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    ...Value,
  })
  .openapi("Event");

const route = createRoute({
  method: "get",
  path: "/api/v1/events",
  summary: "Events of a vehicle in the order of time",
  request: {
    query: z.object({
      vehicle: z.string().min(1).max(256),
      stream: z.string().min(1).max(256).optional().openapi({ description: "All streams when not given." }),
      from: time.optional().openapi({ description: "Inclusive." }),
      to: time.optional().openapi({ description: "Exclusive." }),
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
export function listEvents(api: Api, { reader }: ApiDependencies): void {
  api.openapi(route, async (context) => {
    const { vehicle, stream, from, to, order, limit, cursor } = context.req.valid("query");
    const fromMs = from ?? -timeMsMax;
    const toMs = to ?? timeMsMax;
    if (fromMs >= toMs) throw new AppError("CENTRAL_BAD_REQUEST", "read events: `from` is not before `to`");
    const numbers = parseCursor(cursor, 3);
    const [afterTime = 0, source = 0, offset = 0] = numbers ?? [];
    const after = numbers === undefined ? undefined : { time: afterTime, source, offset };
    const page = await reader.events({ vehicle, stream, fromMs, toMs, order, after, limit });
    const last = page.events.at(-1)?.position;
    const events = page.events.map((row) => eventBody(vehicle, row));
    if (!page.more || last === undefined) return context.json({ events }, 200);
    return context.json({ events, next: formatCursor([last.time, last.source, last.offset]) }, 200);
  });
}

function eventBody(vehicle: string, row: EventRow): z.infer<typeof Event> {
  const { position, stream, topic, partition, lane, seq, value } = row;
  const identity = lane && { identity: { agent: lane.agent, epoch: lane.epoch, lane: lane.lane, seq } };
  const { time: timeMs, offset } = position;
  return { timeMs, vehicle, stream, ...identity, topic, partition, offset, ...valueFields(value) };
}
