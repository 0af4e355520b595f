import { createRoute, z } from "@hono/zod-openapi";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { type StreamEnd, streamed } from "../../../shared/http/streamed.ts";
import { exportCut } from "../../telemetry.ts";
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
import { RequestSlots } from "../slots.ts";
import { exportEvents, exportTypes, formatFor } from "./export.ts";
import { Event, eventBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listEvents",
  ...withScope("read"),
  path: "/api/v1/events",
  summary: "Events of a vehicle in the order of time, in pages; or an export, of one vehicle or of all",
  request: {
    query: z.object({
      vehicle: nameParameter(
        "Needed for pages. An export without it is of all vehicles, in the order of names.",
      ).optional(),
      stream: nameParameter("All streams when not given.").optional(),
      from: timeParameter.optional().openapi(timeDescription("Inclusive.")),
      to: timeParameter.optional().openapi(timeDescription("Exclusive.")),
      order: z.enum(["asc", "desc"]).default("asc").openapi({ description: "desc: the latest first." }),
      format: z.enum(["json", "ndjson", "csv"]).optional().openapi({
        description:
          "json: pages. ndjson, csv: an export, all of it in one streamed answer. Not given: the header `Accept` decides.",
      }),
      limit: limitParameter(100, 10_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page. While more is stored, paging gives no event twice and skips none.",
      content: {
        "application/json": { schema: z.object({ events: z.array(Event), next: z.string().optional() }) },
        "application/x-ndjson": { schema: z.string().openapi({ description: "An `Event` a line." }) },
        "text/csv": { schema: z.string().openapi({ description: "RFC 4180, with a line of column names." }) },
      },
    },
    ...problems,
  },
});

/** Exports at once; each holds a page of the store in memory and takes its share of the thread that answers. */
const exportsMax = 8;
/** As long as a connection may be idle. */
const stallMs = 30_000;

/** GET /api/v1/events */
export function events({ reader, report }: ApiDependencies, options: { readonly stallMs?: number } = {}) {
  const slots = new RequestSlots(exportsMax, codes.CENTRAL_TOO_MANY_EXPORTS);
  return resource().openapi(list, async (context) => {
    const { vehicle, stream, from, to, order, format: named, limit, cursor } = context.req.valid("query");
    const fromMs = from ?? -timeMsMax;
    const toMs = to ?? timeMsMax;
    if (fromMs >= toMs) throw new AppError(codes.CENTRAL_BAD_REQUEST, "read events: `from` is not before `to`");
    const format = formatFor(named, context.req.header("Accept"));
    if (format !== "json") {
      if (cursor !== undefined || context.req.query("limit") !== undefined) {
        throw new AppError(codes.CENTRAL_BAD_REQUEST, "export events: an export has no pages: no `cursor`, no `limit`");
      }
      // Asked before anything is sent: a store that is away is a problem, and no cut connection.
      await reader.events({ vehicle: vehicle ?? "", stream, fromMs, toMs, order, after: undefined, limit: 1 });
      const free = slots.take("export events");
      const { requestId, traceId } = context.var;
      const ended = (end: StreamEnd) => {
        free();
        if (end.kind === "whole" || end.kind === "gone") return;
        const error = end.kind === "failed" ? messageOf(end.error) : "the client took nothing";
        report(exportCut, { requestId, traceId, error });
      };
      const parts = exportEvents(reader, { vehicle, stream, fromMs, toMs, order }, format);
      return context.body(streamed({ parts, stallMs: options.stallMs ?? stallMs, ended }), 200, {
        "Content-Type": exportTypes[format],
        "Content-Disposition": `attachment; filename="events.${format}"`,
      });
    }
    if (vehicle === undefined) {
      throw new AppError(codes.CENTRAL_BAD_REQUEST, "read events: pages are of one `vehicle`; name it, or export");
    }
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
