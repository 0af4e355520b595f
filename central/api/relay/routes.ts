import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { requestRefused } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Problem, problems } from "../errors.ts";
import { deskCodes } from "./codes.ts";

/** What a body is. A page of a browser may not send it unasked, so none can write here by a visitor's hand. */
export const relayType = "application/vnd.tailgate.record-batches";

const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: Problem } },
});

const bring = createRoute({
  method: "post",
  operationId: "relayRecords",
  ...withScope("relay"),
  path: "/api/v1/relay",
  summary: "Puts record batches of an edge into the store, without Kafka; answered when they are stored",
  description: `One or more Kafka record batches (magic 2) of one lane, one after the other, each record with its identity header. What
came before is known by it and is not stored again: whoever gets no answer sends the same once more. An empty body changes
nothing and tells whether the key is good.`,
  request: { body: { required: true, content: { [relayType]: { schema: z.string().openapi({ format: "binary" }) } } } },
  responses: {
    200: {
      description: "The store has all of it: as events, or put aside with a reason.",
      content: { "application/json": { schema: z.object({ records: z.int() }) } },
    },
    ...problems,
    408: problem("The body did not come on."),
    409: problem("This central takes nothing by relay."),
    413: problem("The body is too large."),
    415: problem("It does not say that it is record batches."),
    422: problem("The body is no record batches of one lane with identities."),
    429: problem("As much waits as may: come again after Retry-After."),
  },
});

/** POST /api/v1/relay */
export function relay({ relay: desk, report }: ApiDependencies) {
  return resource().openapi(bring, async (context) => {
    const { raw } = context.req;
    if (desk === undefined)
      throw new AppError(deskCodes.CENTRAL_RELAY_OFF, "take a body: nothing is taken by relay here");
    const type = context.req.header("Content-Type") ?? "";
    if (type.split(";")[0]?.trim().toLowerCase() !== relayType) {
      throw new AppError(deskCodes.CENTRAL_RELAY_TYPE, `take a body: it says that it is "${type}"`);
    }
    const length = context.req.header("Content-Length");
    const claimed = length === undefined ? undefined : Number(length);
    const key = context.get("keyName");
    try {
      const records = await desk.take({ body: raw.body, length: claimed, key });
      return context.json({ records }, 200);
    } catch (thrown) {
      // For good: a gateway that has another's key or name, or sends what is no batch, is somebody's business here too.
      if (thrown instanceof AppError && thrown.severity !== "transient") {
        report(requestRefused, {
          path: context.req.path,
          key,
          traceId: context.get("traceId"),
          reason: thrown.message,
        });
      }
      throw thrown;
    }
  });
}
