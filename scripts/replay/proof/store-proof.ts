import type { Tally } from "./tally.ts";

/** Reads a page of the centre's API. */
export type GetPage = <T>(path: string) => Promise<T>;

interface Vehicles {
  readonly vehicles: readonly { readonly vehicle: string }[];
  readonly next?: string;
}

interface Events {
  readonly events: readonly { readonly value?: string; readonly valueBase64?: string }[];
  readonly next?: string;
}

const vehiclesAPage = 1_000;
const eventsAPage = 10_000;

/**
 * Reads everything that the store holds, as any user can: vehicle by vehicle, page by page over HTTP. Gives each event
 * to the tally that knows it; order is told within a vehicle. Answers how many events there were.
 */
export async function readStore(get: GetPage, ...tallies: readonly Tally[]): Promise<number> {
  let events = 0;
  let cursor: string | undefined = "";
  while (cursor !== undefined) {
    const page: Vehicles = await get(`/api/v1/vehicles?limit=${vehiclesAPage}${after(cursor)}`);
    for (const { vehicle } of page.vehicles) events += await readVehicle(get, vehicle, tallies);
    cursor = page.next;
  }
  return events;
}

async function readVehicle(get: GetPage, vehicle: string, tallies: readonly Tally[]): Promise<number> {
  let count = 0;
  let cursor: string | undefined = "";
  const path = `/api/v1/events?vehicle=${encodeURIComponent(vehicle)}&limit=${eventsAPage}`;
  while (cursor !== undefined) {
    const page: Events = await get(`${path}${after(cursor)}`);
    for (const { value, valueBase64 } of page.events) {
      const bytes = value === undefined ? Buffer.from(valueBase64 ?? "", "base64") : Buffer.from(value, "utf8");
      if (!tallies.some((tally) => tally.add(bytes, vehicle))) tallies[0]?.addForeign();
      count++;
    }
    cursor = page.next;
  }
  return count;
}

function after(cursor: string): string {
  return cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
}
