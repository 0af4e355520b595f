import { createRoute, z } from "@hono/zod-openapi";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problem, problems, problemsWithBody } from "../errors.ts";
import { bytesOf, cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { redrivesOf } from "../supported.ts";
import { choiceFields, DeadLetter, DeadLetterCountBody, deadLetterBody, RedriveBody, RedriveChoice } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listDeadLetters",
  ...withScope("read"),
  path: "/api/v1/dead-letters",
  summary: "Dead letters: records that were put aside, each with its reason and its bytes",
  request: { query: z.object({ ...choiceFields, limit: limitParameter(20, 100), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ deadLetters: z.array(DeadLetter), next: z.string().optional() }) },
      },
    },
    ...problems,
  },
});

const count = createRoute({
  method: "get",
  operationId: "countDeadLetters",
  ...withScope("read"),
  path: "/api/v1/dead-letters/count",
  summary: "How many dead letters a topic, reason and vehicle choose",
  request: { query: z.object(choiceFields) },
  responses: {
    200: { description: "The count.", content: { "application/json": { schema: DeadLetterCountBody } } },
    ...problems,
  },
});

const redrive = createRoute({
  method: "post",
  operationId: "redriveDeadLetters",
  ...withScope("operate"),
  path: "/api/v1/dead-letters/redrive",
  summary: "Tries some dead letters again, by their ids; those that are refused again stay",
  request: { body: { required: true, content: { "application/json": { schema: RedriveChoice } } } },
  responses: {
    200: { description: "What became of them.", content: { "application/json": { schema: RedriveBody } } },
    ...problemsWithBody,
    501: problem("This store cannot."),
  },
});

/** GET /api/v1/dead-letters, GET /api/v1/dead-letters/count, POST /api/v1/dead-letters/redrive */
export function deadLetters(dependencies: ApiDependencies) {
  const { reader, report } = dependencies;
  return resource()
    .openapi(redrive, async (context) => {
      const { ids } = context.req.valid("json");
      const counts = await redrivesOf(dependencies).operations.redrive(ids);
      const [key, requestId] = [context.get("keyName"), context.get("requestId")];
      report(operatorActed, { verb: "redrive dead letters", ids: ids.length, ...counts, key, requestId });
      return context.json(counts, 200);
    })
    .openapi(count, async (context) => context.json(await reader.countDeadLetters(context.req.valid("query")), 200))
    .openapi(list, async (context) => {
      const { limit, cursor, ...choice } = context.req.valid("query");
      const { topic = null, reason = null, vehicle = null } = choice;
      const cursors = new Cursors("dead-letters", [topic, reason, vehicle], isNumbers(1));
      const [afterId] = cursors.read(cursor) ?? [0];
      const found = await reader.deadLetters({ ...choice, afterId, limit: limit + 1, bytesMax: pageBytesMax });
      const { rows, more } = cutPage(found, limit, ({ key, value, reason, identity }) =>
        bytesOf(key, value, reason, identity),
      );
      const deadLetters = rows.map(deadLetterBody);
      const last = rows.at(-1);
      if (!more || last === undefined) return context.json({ deadLetters }, 200);
      return context.json({ deadLetters, next: cursors.write([last.id]) }, 200);
    });
}
