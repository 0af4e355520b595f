/**
 * What the vehicles themselves report, where central knows it: backlog and completeness. A central without these routes, or
 * a fleet that sends no heartbeats, has none; the columns then say that nobody knows.
 */
import { signal } from "@preact/signals";
import { ask } from "../central/ask.ts";
import { formatShare } from "../format.ts";
import { listIn, numberIn, textIn } from "../reports/loose.ts";

/** Of one vehicle. */
export interface FleetExtra {
  readonly backlog: number | undefined;
  readonly complete: string | undefined;
}

/** By vehicle; undefined: central has no such route. */
export const fleetExtras = signal<ReadonlyMap<string, FleetExtra> | undefined>(undefined);

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
    if (answer.kind === "absent") {
      fleetExtras.value = undefined;
      return;
    }
    if (answer.kind === "failed") return;
    for (const each of listIn(answer.body, "vehicles")) {
      const vehicle = textIn(each, "vehicle");
      if (vehicle === undefined) continue;
      const backlog = numberIn(each, "backlog") ?? numberIn(each, "backlogEvents");
      const expected = numberIn(each, "expected");
      const stored = numberIn(each, "stored");
      const complete = expected === undefined || stored === undefined ? undefined : formatShare(stored, expected);
      found.set(vehicle, { backlog, complete });
    }
    const next = textIn(answer.body, "next");
    if (next === undefined) break;
    cursor = `&cursor=${next}`;
  }
  fleetExtras.value = found;
}
