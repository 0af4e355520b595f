/** Rules in the PostgreSQL store: the contract of all stores, and several writers at once. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { SQL } from "bun";
import { lastMark } from "../../../central/records/record-slices.ts";
import { parseRules } from "../../../central/rules/file/read.ts";
import { RulesStep } from "../../../central/rules/step.ts";
import { PostgresReader } from "../../../central/store/postgres/reader.ts";
import { PostgresStore } from "../../../central/store/postgres/store.ts";
import type { Position } from "../../../central/store/store.ts";
import { rulesContract } from "../../../central/testing/contracts/rules.contract.ts";
import { noonMs, slicesOf, testRecord } from "../../../central/testing/records.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";

setDefaultTimeout(60_000);

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ["fsync=off"] });
}, 120_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function fresh() {
  const database = await server.createDatabase();
  const address = server.address(database);
  const tables: SQL = server.connect(database);
  const reader = new PostgresReader(address);
  const end = async () => {
    await reader.close();
    await tables.close({ timeout: 0 });
  };
  return { address, tables, reader, [Symbol.asyncDispose]: end };
}

rulesContract("postgres", async () => {
  const { address, tables, ...rest } = await fresh();
  return {
    ...rest,
    openStore: (options) => new PostgresStore({ address, ...options }),
    failAlerts: async (on) => {
      const make = `create function tailgate.no_alert() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
        create trigger no_alert before insert on tailgate.alert for each row execute function tailgate.no_alert()`;
      await tables.unsafe(on ? make : "drop function tailgate.no_alert cascade").simple();
    },
  };
});

test("writers of several partitions at once, with the same vehicles, and ticks between: each alert once, nothing stops", async () => {
  await using on = await fresh();
  const rules = `groups: [{ name: g, rules: [
    { alert: Jump, streams: ["*"], edge: event.speed > 200, minInterval: 0s },
    { alert: Silent, streams: ["*"], absence: { within: 1h }, minInterval: 0s }] }]`;
  const open = () => {
    const step = new RulesStep(parseRules("rules.yaml", rules));
    return new PostgresStore({
      ...{ address: on.address, clock: systemClock, report: silent },
      eventRules: { step, targets: ["webhook"] },
    });
  };
  const stores = [open(), open(), open()];
  for (const store of stores) await store.probe();
  await Promise.all(
    stores.map(async (store, partition) => {
      let seen: Position | undefined;
      for (let offset = 0; offset < 40; offset += 4) {
        const records = slicesOf(
          Array.from({ length: 4 }, (_, index) => {
            const value = JSON.stringify({ speed: index % 2 === 0 ? 100 : 220 });
            // A stream of its own: what a rule keeps of a vehicle is of all its streams.
            const own = { agent: `gw${partition}`, stream: `s${partition}`, vehicle: `car-${index >> 1}` };
            return testRecord({ offset: offset + index, timeMs: noonMs + (offset + index) * 1_000, value, ...own });
          }),
        );
        const at = { topic: "t", partition, seen, next: offset + 4, before: lastMark(records), records };
        seen = (await store.append({ ...at, dead: [], damaged: [], gap: undefined })).position;
        await store.rules?.tick([{ line: `t/${(partition + 1) % 3}`, clockMs: noonMs }]);
      }
    }),
  );
  expect(await on.reader.totals()).toMatchObject({ stored: 120, missing: 0, deadLettered: 0 });
  const [counts] = await on.tables`
    select count(*)::int as alerts, count(distinct id)::int as ids, (select sum(alerts)::int from tailgate.alert_sum) as summed,
      (select count(*)::int from tailgate.alert_delivery) as deliveries, (select count(*)::int from tailgate.rule_state) as vehicles
    from tailgate.alert where state = 'occurred'`;
  expect(counts?.alerts).toBeGreaterThan(0);
  expect(counts).toMatchObject({
    ids: counts?.alerts,
    summed: counts?.alerts,
    deliveries: counts?.alerts,
    vehicles: 2,
  });
  const taken = await Promise.all(
    stores.map(async (store) => (await store.rules?.take("webhook", 1_000, 60_000)) ?? []),
  );
  expect(new Set(taken.flat().map(({ id }) => id)).size).toBe(counts?.alerts);
  expect(taken.flat()).toHaveLength(counts?.alerts);
  for (const store of stores) await store.close();
});
