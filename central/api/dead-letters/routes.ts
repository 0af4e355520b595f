import { createRoute, z } from "@hono/zod-openapi";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors, isNumbers } from "../cursor.ts";
import { problem, problems } from "../errors.ts";
import { bytesOf, cutPage, pageBytesMax } from "../page.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { replaysOf } from "../supported.ts";
import { DeadLetter, deadLetterBody, RedriveBody, RedriveChoice } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listDeadLetters",
  ...withScope("read"),
  path: "/api/v1/dead-letters",
  summary: "What could not be stored as an event, with its bytes",
  request: { query: z.object({ limit: limitParameter(20, 100), cursor: cursorParameter }) },
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

const redrive = createRoute({
  method: "post",
  operationId: "redriveDeadLetters",
  ...withScope("operate"),
  path: "/api/v1/dead-letters/redrive",
  summary: "Tries dead letters again, after a limit or a rule was changed; those that are refused again stay",
  request: { body: { required: true, content: { "application/json": { schema: RedriveChoice } } } },
  responses: {
    200: { description: "What became of them.", content: { "application/json": { schema: RedriveBody } } },
    ...problems,
    501: problem("This store cannot."),
  },
});

/** GET /api/v1/dead-letters, POST /api/v1/dead-letters/redrive */
export function deadLetters(dependencies: ApiDependencies) {
  const { reader, report } = dependencies;
  return resource()
    .openapi(redrive, async (context) => {
      const { all: _, afterId, ...choice } = context.req.valid("json");
      const { next, ...counts } = await replaysOf(dependencies).operations.redrive(choice, afterId);
      const which = { ids: choice.ids?.length, topic: choice.topic, reason: choice.reason };
      const [key, requestId] = [context.get("keyName"), context.get("requestId")];
      report(operatorActed, { verb: "redrive dead letters", ...which, ...counts, key, requestId });
      return context.json(next === undefined ? counts : { ...counts, next }, 200);
    })
    .openapi(list, async (context) => {
      const { limit, cursor } = context.req.valid("query");
      const cursors = new Cursors("dead-letters", [], isNumbers(1));
      const [afterId] = cursors.read(cursor) ?? [0];
      const found = await reader.deadLetters({ afterId, limit: limit + 1, bytesMax: pageBytesMax });
      const { rows, more } = cutPage(found, limit, ({ key, value, reason, identity }) =>
        bytesOf(key, value, reason, identity),
      );
      const deadLetters = rows.map(deadLetterBody);
      const last = rows.at(-1);
      if (!more || last === undefined) return context.json({ deadLetters }, 200);
      return context.json({ deadLetters, next: cursors.write([last.id]) }, 200);
    });
}
