/**
 * What the agents themselves report, where central knows it: their state, their backlog, and what became of all their
 * numbers. A central without this route, or a fleet that sends no heartbeats, has none: nobody knows, and the columns say so.
 */
import { signal } from "@preact/signals";
import { type Answer, ask } from "../central/ask.ts";
import { listIn, numberIn, textIn } from "../central/loose.ts";
import { formatShare } from "../format.ts";

/** Of one agent. */
export interface FleetExtra {
  readonly state: string;
  readonly backlog: number | undefined;
  readonly complete: string;
  /** As central says it. */
  readonly whole: unknown;
}

/** By agent; undefined: not known. */
export const fleetExtras = signal<ReadonlyMap<string, FleetExtra> | undefined>(undefined);

/** What central answered last. */
export const fleetAnswer = signal<Answer<unknown> | undefined>(undefined);

const everyMs = 5_000;
const pagesMax = 20;

/** Asks for as long as the page is open. */
export async function watchFleetExtras(): Promise<void> {
  for (;;) {
    if (!document.hidden) await sweep();
    await new Promise((resolve) => setTimeout(resolve, fleetExtras.value === undefined ? everyMs * 6 : everyMs));
  }
}

async function sweep(): Promise<void> {
  const found = new Map<string, FleetExtra>();
  let cursor = "";
  for (let page = 0; page < pagesMax; page++) {
    const answer = await ask<unknown>(`/api/v1/fleet?limit=1000${cursor}`, 10_000);
    fleetAnswer.value = answer;
    if (answer.kind === "absent") fleetExtras.value = undefined;
    if (answer.kind !== "body") return;
    for (const each of listIn(answer.body, "agents")) {
      const extra = extraOf(each);
      const agent = textIn(each, "agent");
      if (agent !== undefined) found.set(agent, extra);
    }
    const next = textIn(answer.body, "next");
    if (next === undefined) break;
    cursor = `&cursor=${next}`;
  }
  fleetExtras.value = found;
}

/** Complete: of all numbers that it has given, those that are stored. */
export function extraOf(agent: unknown): FleetExtra {
  const names = ["stored", "shed", "dead", "missing", "inVehicle", "onTheWay"];
  const given = names.reduce((sum, name) => sum + (numberIn(agent, name) ?? 0), 0);
  return {
    state: textIn(agent, "state") ?? "unheard",
    backlog: numberIn(agent, "backlogEvents"),
    complete: formatShare(numberIn(agent, "stored") ?? 0, given),
    whole: agent,
  };
}
