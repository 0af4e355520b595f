/** Dead letters tried again by a central that is killed in the middle: each once, and counted once. */
import { describe, expect, test } from "bun:test";
import { lastMark } from "../../../central/records/record-slices.ts";
import { PostgresStore } from "../../../central/store/postgres/store.ts";
import { SqliteStore } from "../../../central/store/sqlite/store.ts";
import type { Position, Store } from "../../../central/store/store.ts";
import { slicesOf, testRecord } from "../../../central/testing/records.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";

const key = "a-key-for-everything";
const letters = 4_000;

/** All of it is put aside, and would be taken now. */
async function putAside(store: Store): Promise<void> {
  await store.quarantine("gw1", true);
  let seen: Position | undefined;
  // Of one append only the first are kept with their bytes.
  for (let from = 0; from < letters; from += 50) {
    const records = slicesOf(
      Array.from({ length: 50 }, (_, index) => testRecord({ offset: from + index, vehicle: `car-${index}` })),
    );
    const at = { topic: "drive", partition: 0, seen, next: from + 50, before: lastMark(records), records };
    seen = (await store.append({ ...at, dead: [], damaged: [], gap: undefined })).position;
  }
  await store.quarantine("gw1", false);
  await store.close();
}

interface Redrive {
  readonly state: string;
  readonly counts: { readonly tried: number; readonly stored: number };
}

const jobOf = (central: Central, id: number) => central.get<Redrive>(`/api/v1/redrives/${id}`);

/** Through two kills, by the API. */
async function throughKills(store: string): Promise<void> {
  await using central = await launchCentral({ store, key, environment: { TAILGATE_API_KEY: key } });
  await central.wait("the store to be open", async () => (await central.status()).storeAvailable);
  await central.ask("POST", "/api/v1/redrives", { vehicle: "car-7" });
  await central.wait("those of one vehicle", async () => (await jobOf(central, 1)).state === "done");
  expect((await jobOf(central, 1)).counts).toMatchObject({ tried: letters / 50, stored: letters / 50 });
  await central.ask("POST", "/api/v1/redrives", { all: true });
  const rest = letters - letters / 50;
  for (const goal of [0.2, 0.6]) {
    await central.wait(`${goal} of it`, async () => (await jobOf(central, 2)).counts.tried > goal * rest, 60_000);
    await central.kill();
    await central.start();
  }
  await central.wait("all of it", async () => (await jobOf(central, 2)).state === "done", 60_000);
  expect((await jobOf(central, 2)).counts).toMatchObject({ tried: rest, stored: rest, stayed: 0 });
  expect(await central.get("/api/v1/dead-letters/count")).toEqual({ letters: 0, records: 0 });
  expect(await central.stored(letters)).toMatchObject({ deadLettered: 0, missing: 0, repeated: 0 });
  const { events } = await central.get<{ events: readonly object[] }>("/api/v1/events?vehicle=car-7&limit=10000");
  expect(events).toHaveLength(letters / 50);
  await central.stop();
}

describe("killed with -9 while it tries them: goes on where it was; nothing lost, nothing twice, no count wrong", () => {
  test("sqlite", async () => {
    using dir = tempDir("tailgate-redrive-");
    const path = dir.file("central.db");
    await putAside(new SqliteStore({ path, clock: systemClock, report: silent }));
    await throughKills(path);
    expect(storeSums(path)).toEqual({ events: letters, counted: letters, received: letters });
  }, 180_000);

  test("postgres", async () => {
    await using server = await PostgresServer.start({ settings: ["fsync=off"] });
    const address = server.address(await server.createDatabase());
    await putAside(new PostgresStore({ address, clock: systemClock, report: silent }));
    await throughKills(address);
  }, 240_000);
});
