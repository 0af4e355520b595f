import { createRoute, z } from "@hono/zod-openapi";
import { fateOf } from "../../fleet/fate.ts";
import type { MissedRange } from "../../fleet/presence.ts";
import type { FleetAgent } from "../../fleet/standing.ts";
import type { OutageRow } from "../../store/fleet-port.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { Cursors } from "../cursor.ts";
import { problemsWithNotHere } from "../errors.ts";
import { kept } from "../fleet/kept.ts";
import {
  cursorParameter,
  identityNameParameter,
  limitParameter,
  timeDescription,
  timeMsMax,
  timeParameter,
} from "../parameters.ts";
import { OutageBody } from "./schema.ts";

/** Ranges of one lane's outage that are looked at. */
const rangesMax = 1_000;
/** Agents that are away now are all on the first page, which would not end. */
const awayMax = 1_000;

const list = createRoute({
  method: "get",
  operationId: "listOutages",
  ...withScope("read"),
  path: "/api/v1/outages",
  summary:
    "Who was away when, which numbers waited, which of them came since, and which never will and why; newest first",
  request: {
    query: z.object({
      agent: identityNameParameter("Only of this one.").optional(),
      from: timeParameter.optional().openapi(timeDescription("Outages that ended at this time or later, or go on.")),
      to: timeParameter.optional().openapi(timeDescription("Outages that began before this time.")),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page of outages. Those that go on now (`toMs` is null) are on the first page, before the others.",
      content: {
        "application/json": { schema: z.object({ outages: z.array(OutageBody), next: z.string().optional() }) },
      },
    },
    ...problemsWithNotHere,
  },
});

/** GET /api/v1/outages */
export function outages({ fleet: service }: ApiDependencies) {
  return resource().openapi(list, async (context) => {
    const { agent, from, to, limit, cursor } = context.req.valid("query");
    const cursors = new Cursors("outages", [agent ?? null, from ?? null, to ?? null], isBefore);
    const before = cursors.read(cursor);
    const fromMs = from ?? 0;
    const toMs = to ?? timeMsMax;
    const found: OutageBody[] = before === undefined ? await away(agent, toMs) : [];
    const rows = await kept(service).store.outages({ agent, fromMs, toMs, before, limit: limit + 1 });
    const page = rows.slice(0, limit);
    for (const row of page) found.push(await past(row));
    const last = page.at(-1);
    if (rows.length <= limit || last === undefined) return context.json({ outages: found }, 200);
    return context.json({ outages: found, next: cursors.write([last.fromMs, last.id]) }, 200);
  });

  /** Those that go on now. What waits is what their last heartbeat said. */
  async function away(agent: string | undefined, toMs: number): Promise<OutageBody[]> {
    const { agents } = await kept(service).view();
    const gone = agents.filter(
      (each) => isAway(each) && (agent === undefined || each.agent === agent) && (each.presence?.heardMs ?? 0) < toMs,
    );
    const found: OutageBody[] = [];
    for (const each of gone.slice(0, awayMax)) {
      const missed: MissedRange[] = [];
      await kept(service).store.lanes(each.agent, ({ epoch, stream, lane, beat }) => {
        if (beat === undefined || beat.unsentFrom >= beat.assigned) return;
        missed.push({ stream, epoch, lane, first: beat.unsentFrom, last: beat.assigned - 1 });
      });
      found.push({
        agent: each.agent,
        kind: each.state === "stopped" ? "stopped" : "silent",
        fromMs: each.presence?.heardMs ?? 0,
        toMs: null,
        caughtUpMs: null,
        missed: await fates(each.agent, missed),
        missedCut: 0,
        losses: [],
      });
    }
    return found;
  }

  async function past({
    agent,
    kind,
    fromMs,
    toMs,
    caughtUpMs,
    missed,
    missedCut,
    losses,
  }: OutageRow): Promise<OutageBody> {
    const told = await fates(agent, missed);
    return { agent, kind, fromMs, toMs, caughtUpMs: caughtUpMs ?? null, missed: told, missedCut, losses: [...losses] };
  }

  async function fates(agent: string, missed: readonly MissedRange[]): Promise<OutageBody["missed"]> {
    const told: OutageBody["missed"] = [];
    for (const range of missed) {
      const { ranges, nextSeq, beat } = await kept(service).store.fate(agent, range, rangesMax);
      told.push({ ...range, ...fateOf(range, ranges, nextSeq, beat), cut: ranges.length === rangesMax });
    }
    return told;
  }
}

function isAway({ state }: FleetAgent): boolean {
  return state === "silent" || state === "stopped";
}

function isBefore(values: readonly unknown[]): values is readonly [number, number] {
  return values.length === 2 && values.every(Number.isSafeInteger);
}
