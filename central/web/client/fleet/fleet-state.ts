/**
 * All vehicles, read page by page, again and again. A large fleet is read less often: reading takes at most a fifth of the time,
 * so that a page that is left open costs central little.
 */
import type { z } from "@hono/zod-openapi";
import { signal } from "@preact/signals";
import type { Vehicle } from "../../../api/vehicles/schema.ts";
import { ask } from "../central/ask.ts";
import type { FleetRow } from "./fleet-order.ts";

type Listed = z.infer<typeof Vehicle>;

/** The fleet as it was read last; undefined before the first time. */
export const fleet = signal<readonly FleetRow[] | undefined>(undefined);

/** Why the fleet could not be read; empty: it could. */
export const fleetTrouble = signal("");

const pageVehicles = 1_000;
const everyMsMin = 1_000;
/** Above this many vehicles their last states are not asked for: megabytes that nobody reads. */
const valuesUpTo = 2_000;

/** Reads the fleet for as long as the page is open. */
export async function watchFleet(): Promise<void> {
  for (;;) {
    const startedMs = performance.now();
    if (!document.hidden) await sweep();
    const tookMs = performance.now() - startedMs;
    await new Promise((resolve) => setTimeout(resolve, Math.max(everyMsMin, tookMs * 4)));
  }
}

async function sweep(): Promise<void> {
  const rows: FleetRow[] = [];
  const known = fleet.value?.length ?? 0;
  let cursor = "";
  for (;;) {
    const valueBytes = known > valuesUpTo || rows.length > valuesUpTo ? 0 : 200;
    const path = `/api/v1/vehicles?limit=${pageVehicles}&valueBytes=${valueBytes}${cursor}`;
    const answer = await ask<{ vehicles: Listed[]; next?: string }>(path, 10_000);
    if (answer.kind !== "body") {
      fleetTrouble.value = answer.words;
      return;
    }
    const readMs = performance.now();
    for (const each of answer.body.vehicles) rows.push(rowOf(each, readMs));
    // The first time rows are shown as they come; later the old ones stay until all new ones are here.
    if (known === 0) fleet.value = [...rows];
    if (answer.body.next === undefined) break;
    cursor = `&cursor=${answer.body.next}`;
  }
  fleetTrouble.value = "";
  fleet.value = rows;
}

function rowOf({ vehicle, streams }: Listed, readMs: number): FleetRow {
  let latest = streams[0];
  let events = 0;
  for (const stream of streams) {
    events += stream.events;
    if (latest === undefined || stream.ageMs < latest.ageMs) latest = stream;
  }
  return {
    vehicle,
    events,
    streams: streams.length,
    ageMs: latest?.ageMs ?? 0,
    readMs,
    clockAhead: streams.some(({ clockAhead }) => clockAhead),
    agent: latest?.agent ?? "",
    stream: latest?.stream ?? "",
    value: latest?.value ?? (latest?.valueBase64 === undefined ? "" : `base64 ${latest.valueBase64}`),
  };
}
