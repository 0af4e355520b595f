/** What of rules is SQLite's own. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { systemClock } from "../../../../shared/clock/clock.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../../../shared/testing/temp-dir.ts";
import { parseRules } from "../../../rules/file/read.ts";
import { RulesStep } from "../../../rules/step.ts";
import { appendOf } from "../../../testing/append.ts";
import { rulesContract } from "../../../testing/contracts/rules.contract.ts";
import { slicesOf, testRecord } from "../../../testing/records.ts";
import { openWriter } from "../open.ts";
import { SqliteReader } from "../reader.ts";
import { SqliteStore } from "../store.ts";
import { AlertRetention } from "./alert-retention.ts";

let dir: TempDir;
beforeEach(() => {
  dir = tempDir("tailgate-rules-");
});
afterEach(() => {
  rmSync(dir.path, { recursive: true, force: true });
});

let number = 0;

rulesContract("sqlite", () => {
  const path = dir.file(`rules-${++number}.db`);
  const reader = new SqliteReader(path);
  return {
    reader,
    openStore: (options) => new SqliteStore({ path, ...options }),
    failAlerts: async (on) => {
      const database = openWriter(path);
      const trigger = "create trigger no_alert before insert on alert begin select raise(abort, 'not now'); end";
      database.exec(on ? trigger : "drop trigger no_alert");
      database.close();
    },
    [Symbol.asyncDispose]: () => reader.close(),
  };
});

test("a store of the version before rules is brought up to date", async () => {
  const path = dir.file("old.db");
  const store = new SqliteStore({ path, clock: systemClock, report: silent });
  await store.probe();
  await store.close();
  const database = openWriter(path);
  database.exec(
    `drop table rule_state; drop table rule_line; drop table alert; drop table alert_sum; drop table alert_delivery;
      drop table agent; drop table lane_beat; drop table outage; drop table tally; drop index ledger_shed`,
  );
  database.exec(`drop table replay; drop table replay_partition; drop table suppression;
    drop table redrive; drop index dead_letter_place; drop index conflict_place; alter table series drop column anew`);
  database.pragma("user_version = 4");
  database.close();
  const rules =
    "groups: [{ name: g, rules: [{ alert: Jump, streams: [drive], edge: event.speed > 9, minInterval: 0s }] }]";
  const step = new RulesStep(parseRules("rules.yaml", rules));
  const brought = new SqliteStore({ path, clock: systemClock, report: silent, eventRules: { step, targets: [] } });
  const speeds = [1, 10].map((speed, offset) => testRecord({ offset, value: JSON.stringify({ speed }) }));
  await brought.append({ ...appendOf(0, 2, undefined), records: slicesOf(speeds) });
  await brought.close();
  const reader = new SqliteReader(path);
  expect(await reader.rules.sums()).toMatchObject({ vehicles: 1, rules: [{ rule: "Jump", alerts: 1 }] });
  await reader.close();
});

test("thousands are deleted a piece at a time, and those that fire do not hold it up", async () => {
  const path = dir.file("a.db");
  const database = openWriter(path);
  const insert = database.prepare(
    `insert into alert (id, grp, rule, print, kind, vehicle, stream, state, since, fired, stored_at, labels, annotations, event)
     values (?, 'g', 'r', 'p', 'edge', 'v', 's', ?, 0, 0, ?, '{}', '{}', 'e')`,
  );
  for (let number = 0; number < 2_500; number++)
    insert.run(`${number}`, number < 1_200 ? "firing" : "occurred", number);
  const retention = new AlertRetention(database, 1_000);
  const left = () => database.prepare("select count(*) from alert where state = 'occurred'").pluck().get();
  expect([retention.drop(3_400), retention.drop(3_400), retention.drop(3_400)]).toEqual([0, 800, 400]);
  expect([left(), retention.isDue(3_400), retention.isDue(3_400 + 3_600_000)]).toEqual([100, false, true]);
  database.close();
});
