import { createRoute, z } from "@hono/zod-openapi";
import { comparePlaces, type ListPlace } from "../../fleet/standing.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors } from "../cursor.ts";
import { problemsWithNotHere } from "../errors.ts";
import { cursorParameter, identityNameParameter, limitParameter } from "../parameters.ts";
import { kept } from "./kept.ts";
import { Agent, agentBody } from "./schema.ts";

const list = createRoute({
  method: "get",
  operationId: "listFleet",
  ...withScope("read"),
  path: "/api/v1/fleet",
  summary: "Agents, those that need a look first: silent, stopped, with a backlog, unheard, the others",
  request: {
    query: z.object({
      agent: identityNameParameter("Only this one.").optional(),
      state: z.enum(["online", "silent", "stopped", "unheard"]).optional(),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description:
        "A page of agents, and how many there are of each state. heartbeats: `behind` while central has not read them to their end, so that silence proves nothing and nobody is called silent; `off` when the config names no topic of them.",
      content: {
        "application/json": {
          schema: z.object({
            agents: z.array(Agent),
            counts: z.object({ online: z.int(), silent: z.int(), stopped: z.int(), unheard: z.int() }),
            heartbeats: z.enum(["current", "behind", "off"]),
            next: z.string().optional(),
          }),
        },
      },
    },
    ...problemsWithNotHere,
  },
});

/** GET /api/v1/fleet */
export function fleet({ fleet: service, clock }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { agent, state, limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("fleet", [agent ?? null, state ?? null], isPlace);
    const after = cursors.read(cursor);
    const { agents, counts, heartbeats } = await kept(service).view();
    const found = agents.filter(
      (each) =>
        (agent === undefined || each.agent === agent) &&
        (state === undefined || each.state === state) &&
        (after === undefined || comparePlaces(each.place, after) > 0),
    );
    const nowMs = clock.now();
    const body = { agents: found.slice(0, limit).map((each) => agentBody(each, nowMs)), counts, heartbeats };
    const last = found[limit - 1];
    if (found.length <= limit || last === undefined) return context.json(body, 200);
    return context.json({ ...body, next: cursors.write(last.place) }, 200);
  });
}

function isPlace(values: readonly unknown[]): values is ListPlace {
  const [rank, ageMs, agent] = values;
  return values.length === 3 && Number.isSafeInteger(rank) && Number.isSafeInteger(ageMs) && typeof agent === "string";
}
