import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { cellsOf, type HourCell, type LaneFacts } from "../../fleet/completeness.ts";
import { hourMs } from "../../ledger/hours.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors } from "../cursor.ts";
import { problemsWithNotHere } from "../errors.ts";
import { kept } from "../fleet/kept.ts";
import {
  cursorParameter,
  identityNameParameter,
  limitParameter,
  timeDescription,
  timeParameter,
} from "../parameters.ts";
import { CellBody, cellBody } from "./schema.ts";

const daysMax = 31;
const dayMs = 86_400_000;
/** Agents whose hours are read for one page, at most: the next page goes on. */
const agentsPerPage = 200;
/** Holes of a lane that are looked at. */
const holesMax = 10_000;

const list = createRoute({
  method: "get",
  operationId: "listCompleteness",
  ...withScope("read"),
  path: "/api/v1/completeness",
  summary: "What became of the numbers of each agent's stream in each hour, in the order agent, stream, hour",
  request: {
    query: z.object({
      agent: identityNameParameter("Only this one.").optional(),
      stream: identityNameParameter("Only this one.").optional(),
      from: timeParameter.optional().openapi(timeDescription("From the hour of this time; a day ago when not given.")),
      to: timeParameter
        .optional()
        .openapi(timeDescription(`Until this time; now when not given. At most ${daysMax} days after from.`)),
      limit: limitParameter(1_000, 10_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description:
        "A page of hours. Hours without any number are left out. A page may be empty and have a `next`: it goes on with other agents. cut: a lane has more ranges of missing numbers than were looked at.",
      content: {
        "application/json": {
          schema: z.object({ cells: z.array(CellBody), cut: z.boolean(), next: z.string().optional() }),
        },
      },
    },
    ...problemsWithNotHere,
  },
});

/** GET /api/v1/completeness */
export function completeness({ fleet: service, clock }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { agent, stream, from, to, limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("completeness", [agent ?? null, stream ?? null, from ?? null, to ?? null], isSpot);
    // Without times the hours are those of the first page.
    const spot = cursors.read(cursor);
    const toMs = to ?? spot?.[3] ?? clock.now();
    const fromMs = from ?? toMs - dayMs;
    if (toMs - fromMs > daysMax * dayMs) {
      throw new AppError(codes.CENTRAL_BAD_REQUEST, `read the parameters: more than ${daysMax} days from from to to`);
    }
    const hours = { from: Math.floor(fromMs / hourMs), to: Math.floor((toMs - 1) / hourMs) + 1 };
    const [lastAgent, lastStream, lastHour] = spot ?? ["", "", 0, 0];
    const cells: HourCell[] = [];
    let cut = false;
    const names = await namesFrom(agent, lastAgent);
    for (const name of names) {
      const query = { agent: name, stream, fromHour: hours.from, toHour: hours.to, holesMax };
      const facts = await kept(service).store.hours(query);
      cut ||= facts.some((each) => each.cut);
      for (const [own, lanes] of byStream(facts)) {
        if (name === lastAgent && own < lastStream) continue;
        const found = cellsOf(name, own, lanes, hours);
        const goesOn = name === lastAgent && own === lastStream;
        cells.push(...(goesOn ? found.filter(({ hour }) => hour > lastHour) : found));
      }
      if (cells.length > limit) break;
    }
    const page = cells.slice(0, limit);
    const body = { cells: page.map(cellBody), cut };
    const last = page.at(-1);
    if (cells.length > limit && last !== undefined) {
      return context.json({ ...body, next: cursors.write([last.agent, last.stream, last.hour, toMs]) }, 200);
    }
    const lastName = names.at(-1);
    if (agent !== undefined || names.length < agentsPerPage || lastName === undefined) return context.json(body, 200);
    // All of that agent is told: no stream's name comes after this one.
    return context.json({ ...body, next: cursors.write([lastName, "~", 0, toMs]) }, 200);
  });

  async function namesFrom(agent: string | undefined, lastAgent: string): Promise<readonly string[]> {
    if (agent !== undefined) return [agent];
    const after = await kept(service).store.agentNames(lastAgent, agentsPerPage);
    return lastAgent === "" ? after : [lastAgent, ...after];
  }
}

function byStream(facts: readonly LaneFacts[]): readonly (readonly [string, readonly LaneFacts[]])[] {
  const streams = new Map<string, LaneFacts[]>();
  for (const lane of facts) {
    const own = streams.get(lane.stream) ?? [];
    streams.set(lane.stream, own);
    own.push(lane);
  }
  return [...streams].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

type Spot = readonly [agent: string, stream: string, hour: number, toMs: number];

function isSpot(values: readonly unknown[]): values is Spot {
  const [agent, stream, hour, toMs] = values;
  return (
    values.length === 4 &&
    typeof agent === "string" &&
    typeof stream === "string" &&
    Number.isSafeInteger(hour) &&
    Number.isSafeInteger(toMs)
  );
}
