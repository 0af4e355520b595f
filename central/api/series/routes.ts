import { createRoute, z } from "@hono/zod-openapi";
import { othersTurn } from "../../../shared/async/others-turn.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { EventPosition, StoreReader } from "../../store/reader.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { problemsWithNotFound } from "../errors.ts";
import { namedVehicle, nameParameter, numberParameter, timeDescription, timeParameter } from "../parameters.ts";
import { Buckets, type Pointer, readField, readPointer } from "./buckets.ts";
import { Series } from "./schema.ts";

/** Buckets that one answer may have. */
const bucketsMax = 5_000;
/** Events that one answer looks at: what is after them is the next answer's. */
const eventsMax = 200_000;
/** Read before others get a turn on the thread. */
const pageEvents = 1_000;
const pageBytes = 1024 * 1024;
/** Of values that all pages of an answer have together. */
const bytesMax = 64 * 1024 * 1024;

const query = z.object({
  stream: nameParameter(),
  field: z.string().max(512).openapi({ description: "A JSON pointer (RFC 6901).", example: "/speed" }),
  from: timeParameter.openapi(timeDescription("Inclusive; the first bucket begins here.")),
  to: timeParameter.openapi(timeDescription("Exclusive.")),
  bucketMs: numberParameter(
    { min: 1, max: 366 * 86_400_000, standard: 60_000 },
    `Milliseconds of a bucket; the range may have ${bucketsMax} of them.`,
  ),
});

const question = {
  method: "get",
  ...withScope("read"),
  responses: {
    200: {
      description: `The buckets that have a number. An answer looks at ${eventsMax} events or 64 MiB of values; when there are more, \`next\` is the \`from\` of the next question.`,
      content: { "application/json": { schema: Series } },
    },
    ...problemsWithNotFound,
  },
} as const;

const one = createRoute({
  ...question,
  operationId: "getSeries",
  path: "/api/v1/vehicles/{vehicle}/series",
  summary:
    "A number out of the JSON values of a vehicle's stream, over time: count, min, max, average and last of each bucket",
  request: { params: z.object({ vehicle: z.string().min(1).max(256).openapi({ example: "car-001" }) }), query },
});

const named = createRoute({
  ...question,
  operationId: "getNamedSeries",
  path: "/api/v1/series",
  summary: "The same series, for a vehicle of any name; no path can hold the names `.` and `..`",
  request: { query: query.extend(namedVehicle) },
});

/** GET /api/v1/vehicles/{vehicle}/series, GET /api/v1/series?vehicle= */
export function series({ reader }: ApiDependencies) {
  const read = async (vehicle: string, { stream, field, from, to, bucketMs }: z.output<typeof query>) => {
    const pointer = readPointer(field);
    if (pointer === undefined) {
      const instead = field.startsWith("/") ? "~ is written ~0" : `write /${field}`;
      throw new AppError(codes.CENTRAL_BAD_REQUEST, `read a series: "${field}" is no JSON pointer: ${instead}`);
    }
    if (from >= to) throw new AppError(codes.CENTRAL_BAD_REQUEST, "read a series: `from` is not before `to`");
    const wanted = Math.ceil((to - from) / bucketMs);
    if (wanted > bucketsMax) {
      const fit = Math.ceil((to - from) / bucketsMax);
      const message = `read a series: ${wanted} buckets, at most ${bucketsMax} fit; a bucketMs of ${fit} would do`;
      throw new AppError(codes.CENTRAL_BAD_REQUEST, message);
    }
    if ((await reader.vehicle(vehicle, { valueBytesMax: 0, bytesMax: 1 })) === undefined) {
      throw new AppError(codes.CENTRAL_NOT_FOUND, `read a series of "${vehicle}": never heard of it`);
    }
    const range = { vehicle, stream, pointer, fromMs: from, toMs: to, bucketMs };
    const { buckets, nextMs } = await gather(reader, range);
    const { closed, counts } = buckets;
    return { bucketMs, buckets: closed, ...counts, ...(nextMs === undefined ? {} : { next: nextMs }) };
  };
  return resource()
    .openapi(one, async (context) => {
      const { vehicle } = context.req.valid("param");
      return context.json(await read(vehicle, context.req.valid("query")), 200);
    })
    .openapi(named, async (context) => {
      const { vehicle, ...asked } = context.req.valid("query");
      return context.json(await read(vehicle, asked), 200);
    });
}

interface SeriesRange {
  readonly vehicle: string;
  readonly stream: string;
  readonly pointer: Pointer;
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
}

/** Ends at the beginning of a bucket when there is too much, so that no bucket is cut in two. */
async function gather(reader: StoreReader, range: SeriesRange) {
  const { vehicle, stream, pointer, fromMs, toMs, bucketMs } = range;
  const buckets = new Buckets(fromMs, bucketMs);
  let after: EventPosition | undefined;
  let events = 0;
  let bytes = 0;
  let index = 0;
  for (;;) {
    const query = { vehicle, stream, fromMs, toMs, order: "asc" as const, after };
    const page = await reader.events({ ...query, limit: pageEvents, bytesMax: pageBytes });
    for (const { position, value } of page.events) {
      const now = buckets.indexOf(position.time);
      const tooMuch = events >= eventsMax || bytes >= bytesMax;
      if (tooMuch && now !== index) {
        buckets.close();
        return { buckets, nextMs: fromMs + now * bucketMs };
      }
      index = now;
      events++;
      bytes += value?.length ?? 0;
      buckets.add(position.time, readField(value, pointer));
    }
    after = page.events.at(-1)?.position;
    if (!page.more || after === undefined) break;
    await othersTurn();
  }
  buckets.close();
  return { buckets, nextMs: undefined };
}
