import { createRoute, z } from "@hono/zod-openapi";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problems } from "../errors.ts";
import { identityNameParameter } from "../parameters.ts";

const list = createRoute({
  method: "get",
  operationId: "listQuarantine",
  ...withScope("read"),
  path: "/api/v1/quarantine",
  summary: "Agents whose records are put aside until they are let in again",
  responses: {
    200: {
      description: "All of them, in the order of names.",
      content: { "application/json": { schema: z.object({ agents: z.array(z.string()) }) } },
    },
    ...problems,
  },
});

const request = { params: z.object({ agent: identityNameParameter("As the records name it.") }) };
const responses = { 204: { description: "It is so from the next transaction on." }, ...problems };

const begin = createRoute({
  method: "put",
  operationId: "beginQuarantine",
  ...withScope("operate"),
  path: "/api/v1/quarantine/{agent}",
  summary: "From now on every record that names this agent is put aside; its books and events stay",
  request,
  responses,
});

const end = createRoute({
  method: "delete",
  operationId: "endQuarantine",
  ...withScope("operate"),
  path: "/api/v1/quarantine/{agent}",
  summary: "Lets the agent in again",
  request,
  responses,
});

/** GET /api/v1/quarantine, PUT and DELETE /api/v1/quarantine/{agent} */
export function quarantine({ reader, operations, report }: ApiDependencies) {
  const turn = async (agent: string, on: boolean, by: { readonly key: string; readonly requestId: string }) => {
    await operations.quarantine(agent, on);
    report(operatorActed, { verb: on ? "begin quarantine" : "end quarantine", agent, ...by });
  };
  return resource()
    .openapi(list, async (context) => context.json({ agents: [...(await reader.quarantined())] }, 200))
    .openapi(begin, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      await turn(context.req.valid("param").agent, true, by);
      return context.body(null, 204);
    })
    .openapi(end, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      await turn(context.req.valid("param").agent, false, by);
      return context.body(null, 204);
    });
}
