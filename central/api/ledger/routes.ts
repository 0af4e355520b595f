import { createRoute, z } from "@hono/zod-openapi";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problems } from "../errors.ts";
import { bytesOf, pageBytesMax } from "../page.ts";
import {
  cursorParameter,
  identityNameParameter,
  limitParameter,
  nameParameter,
  numberParameter,
} from "../parameters.ts";
import { Lane, laneBody } from "./schema.ts";

/** What a range takes in the answer, about. */
const rangeBytes = 70;

const list = createRoute({
  method: "get",
  operationId: "listLedger",
  ...withScope("read"),
  path: "/api/v1/ledger",
  summary: "The ledger: for each agent, stream and lane what was received, shed or put aside, and what is missing",
  request: {
    query: z.object({
      agent: nameParameter().optional(),
      stream: nameParameter().optional(),
      ranges: numberParameter({ min: 1, max: 1_000, standard: 20 }, "Ranges a lane."),
      fromSeq: numberParameter({ min: 0, max: Number.MAX_SAFE_INTEGER, standard: 0 }, "Ranges from this number on."),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page of lanes.",
      content: { "application/json": { schema: z.object({ lanes: z.array(Lane), next: z.string().optional() }) } },
    },
    ...problems,
  },
});

const forget = createRoute({
  method: "delete",
  operationId: "forgetLedger",
  ...withScope("operate"),
  path: "/api/v1/ledger",
  summary:
    "Closes the books of an agent, or of those of its lanes that are named; events stay, the next record opens new books",
  request: {
    // Strict: a name that is spelled wrong must not widen what is closed.
    query: z.strictObject({
      agent: identityNameParameter("Whose books."),
      epoch: identityNameParameter("Of this epoch alone.").optional(),
      stream: identityNameParameter("Of this stream alone.").optional(),
      lane: z
        .string()
        .regex(/^\d{1,7}$/, "write a whole number")
        .transform(Number)
        .optional()
        .openapi({ type: "integer", minimum: 0, description: "Of this lane alone." }),
    }),
  },
  responses: {
    200: {
      description: "How many lanes were closed.",
      content: { "application/json": { schema: z.object({ lanes: z.int() }) } },
    },
    ...problems,
  },
});

/** GET and DELETE /api/v1/ledger */
export function ledger(dependencies: ApiDependencies) {
  return listing(dependencies).openapi(forget, async (context) => {
    const selection = context.req.valid("query");
    const lanes = await dependencies.operations.forget(selection);
    const by = { key: context.get("keyName"), requestId: context.get("requestId") };
    dependencies.report(operatorActed, { verb: "forget", ...selection, lanes, ...by });
    return context.json({ lanes }, 200);
  });
}

function listing({ reader }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { agent, stream, ranges, fromSeq, limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("ledger", [agent ?? null, stream ?? null], isNumbers(1));
    const [afterId] = cursors.read(cursor) ?? [0];
    const lanes: z.infer<typeof Lane>[] = [];
    let last = afterId;
    let bytes = 0;
    let more = false;
    const query = { agent, stream, afterId, limit: limit + 1, fromSeq, rangesMax: ranges + 1 };
    await reader.books(query, (row, found) => {
      more = lanes.length >= limit || bytes >= pageBytesMax;
      if (more) return false;
      const body = laneBody(row, found, ranges);
      bytes += bytesOf(row.agent, row.epoch, row.stream) + body.ranges.length * rangeBytes;
      lanes.push(body);
      last = row.id;
      return true;
    });
    if (!more) return context.json({ lanes }, 200);
    return context.json({ lanes, next: cursors.write([last]) }, 200);
  });
}
