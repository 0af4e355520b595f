/** What a store promises of rules: in the transaction of the events, once, the same in every store. */
import { afterEach, describe, expect, test } from "bun:test";
import { type Clock, VirtualClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { type Report, silent } from "../../../shared/telemetry/log.ts";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import { alertBody } from "../../rules/alert-body.ts";
import { parseRules } from "../../rules/file/read.ts";
import { RulesStep } from "../../rules/step.ts";
import type { StoreReader } from "../../store/reader.ts";
import type { AlertQuery, DeliveryTarget, RulesReader, RulesTools } from "../../store/rules-port.ts";
import type { Position, Store } from "../../store/store.ts";
import { noonMs, slicesOf, testRecord } from "../records.ts";

/** What a writer of it is opened with. */
export interface RulesStoreOptions {
  readonly clock: Clock;
  readonly report: Report;
  readonly eventRules?: RulesTools;
  readonly alertRetentionMs?: number;
}

/** A store on fresh ground that nothing is open of yet. */
export interface RulesUnderTest extends AsyncDisposable {
  openStore(options: RulesStoreOptions): Store;
  readonly reader: StoreReader;
  /** Whether the store refuses new alerts, by other means than its own: "not now". */
  failAlerts(on: boolean): Promise<void>;
}

type OpenRules = () => RulesUnderTest | Promise<RulesUnderTest>;

const yaml = `
groups:
  - name: g
    rules:
      - { alert: Fast, streams: [drive], expr: event.speed > 120, for: 2s, minInterval: 0s, value: event.speed }
      - { alert: Jump, streams: [drive], edge: event.speed > 200, minInterval: 0s, annotations: { summary: "{{ vehicle }} {{ value }}" } }
      - { alert: Silent, streams: ["*"], absence: { within: 1m }, minInterval: 0s }
`;
const everything: AlertQuery = {
  vehicle: undefined,
  rule: undefined,
  state: undefined,
  before: undefined,
  limit: 1_000,
};

/** Those that a test has opened. */
let grounds: Ground[] = [];

class Ground {
  readonly clock = new VirtualClock(noonMs + 86_400_000);
  store: Store;
  step: RulesStep;
  private position: Position | undefined;

  private constructor(
    readonly under: RulesUnderTest,
    private rules: string,
    private readonly targets: readonly DeliveryTarget[],
    private readonly alertRetentionMs?: number,
  ) {
    this.step = new RulesStep(parseRules("rules.yaml", rules));
    this.store = this.open();
  }

  static async on(
    open: OpenRules,
    rules = yaml,
    targets: readonly DeliveryTarget[] = [],
    alertRetentionMs?: number,
  ): Promise<Ground> {
    const ground = new Ground(await open(), rules, targets, alertRetentionMs);
    await ground.store.probe();
    grounds.push(ground);
    return ground;
  }

  get reader(): RulesReader {
    const { rules } = this.under.reader;
    if (rules === undefined) throw new Error("it has no rules to read");
    return rules;
  }

  private open(): Store {
    const { clock, step, targets } = this;
    const kept = this.alertRetentionMs === undefined ? {} : { alertRetentionMs: this.alertRetentionMs };
    return this.under.openStore({ clock, report: silent, eventRules: { step, targets }, ...kept });
  }

  async restart(rules = this.rules): Promise<void> {
    await this.store.close();
    this.rules = rules;
    this.step = new RulesStep(parseRules("rules.yaml", rules));
    this.store = this.open();
    this.position = await this.store.position({ topic: "t", partition: 0 });
  }

  async put(records: readonly PlainRecord[]): Promise<void> {
    const slices = slicesOf(records);
    const before = lastMark(slices);
    const next = (before?.offset ?? -1) + 1;
    const at = { topic: "t", partition: 0, dead: [], damaged: [], gap: undefined };
    const { position } = await this.store.append({ ...at, seen: this.position, next, before, records: slices });
    this.position = position;
  }

  async alerts(more: Partial<AlertQuery> = {}) {
    return (await this.reader.alerts({ ...everything, ...more })).map(alertBody);
  }
}

const speeds = (from: number, ...values: readonly number[]) =>
  values.map((speed, index) => testRecord({ offset: from + index, value: JSON.stringify({ speed }) }));

const drive = (() => {
  const random = seededRandom(7);
  return Array.from({ length: 400 }, (_, offset) => {
    const speed = Math.floor(random.next() * 240);
    const seq = Math.floor(offset / 4);
    const vehicle = `car-${offset % 4}`;
    const timeMs = noonMs + seq * 1_000 + (seq > 50 ? 300_000 : 0);
    return {
      ...testRecord({ offset, vehicle, seq, agent: vehicle, timeMs, value: JSON.stringify({ speed }) }),
      timeMs,
    };
  });
})();

/** Runs the suite. */
export function rulesContract(name: string, open: OpenRules): void {
  describe(`rules contract: ${name}`, () => {
    afterEach(async () => {
      for (const { store, under } of grounds) {
        await store.close();
        await under[Symbol.asyncDispose]();
      }
      grounds = [];
    });

    test("an alert is stored with its events, and resolved by a later one", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 130, 131));
      expect(await ground.alerts()).toEqual([]);
      await ground.put(speeds(2, 132));
      expect(await ground.alerts()).toMatchObject([
        {
          number: 1,
          rule: "Fast",
          state: "firing",
          sinceMs: noonMs,
          firedMs: noonMs + 2_000,
          value: "132",
          event: "gw1/e1/drive.0/0",
        },
      ]);
      await ground.put(speeds(3, 50));
      expect(await ground.alerts()).toMatchObject([
        { state: "resolved", resolvedMs: noonMs + 3_000, resolvedBy: "event" },
      ]);
    });

    test("what rules have said of a vehicle is erased with it", async () => {
      const ground = await Ground.on(open, yaml, ["webhook"]);
      await ground.put([
        ...speeds(0, 130, 131, 132),
        ...[100, 220].map((speed, index) =>
          testRecord({ offset: 3 + index, vehicle: "car-2", agent: "gw2", value: JSON.stringify({ speed }) }),
        ),
      ]);
      const vehicles = async () => (await ground.alerts()).map(({ vehicle }) => vehicle).sort();
      expect(await vehicles()).toEqual(["car-1", "car-2"]);
      while (!(await ground.store.replays?.erase("car-1", "somebody"))?.done);
      expect(await vehicles()).toEqual(["car-2"]);
      expect((await ground.reader.sums()).vehicles).toBe(1);
      expect(await ground.store.rules?.take("webhook", 10, 1_000)).toMatchObject([{ vehicle: "car-2" }]);
    });

    test("what comes again changes nothing", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 130, 131, 132, 50));
      const before = await ground.alerts();
      const evaluated = ground.step.counts.Fast?.evaluated;
      await ground.put(speeds(0, 130, 131, 132, 50).map((record) => ({ ...record, offset: record.offset + 10 })));
      expect(await ground.alerts()).toEqual(before);
      expect(ground.step.counts.Fast?.evaluated).toBe(evaluated ?? 0);
    });

    test("any cut of the topic, restarts in between, another store: the same alerts with the same ids", async () => {
      const whole = await Ground.on(open);
      await whole.put(drive);
      const expected = await whole.alerts();
      expect(expected.length).toBeGreaterThan(20);
      expect(new Set(expected.map(({ rule }) => rule))).toEqual(new Set(["Fast", "Jump", "Silent"]));
      const byId = (alerts: typeof expected) =>
        alerts.map(({ number: _, ...alert }) => alert).sort((a, b) => (a.id < b.id ? -1 : 1));
      for (let seed = 1; seed <= 5; seed++) {
        const random = seededRandom(seed);
        const ground = await Ground.on(open);
        for (let at = 0; at < drive.length; ) {
          const size = 1 + Math.floor(random.next() * 60);
          await ground.put(drive.slice(at, at + size));
          at += size;
          if (random.next() < 0.3) await ground.restart();
        }
        expect(byId(await ground.alerts())).toEqual(byId(expected));
      }
    });

    test("a transaction that fails leaves neither state nor alert, and its repeat brings them", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 130, 131));
      await ground.under.failAlerts(true);
      await expect(ground.put(speeds(2, 132))).rejects.toThrow("not now");
      expect(ground.step.counts.Fast?.evaluated).toBe(2);
      await ground.under.failAlerts(false);
      await ground.put(speeds(2, 132));
      expect(await ground.alerts()).toMatchObject([{ rule: "Fast" }]);
      expect(ground.step.counts.Fast?.evaluated).toBe(3);
    });

    test("silence is told by the tick, of lines that are read to their end, and ends with the next event", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 10));
      const { rules } = ground.store;
      await rules?.tick([{ line: "t/0", clockMs: noonMs + 59_000 }]);
      await rules?.tick([{ line: "other/0", clockMs: noonMs + 90_000 }]);
      expect(await ground.alerts()).toEqual([]);
      await rules?.tick([{ line: "t/0", clockMs: noonMs + 61_000 }]);
      await rules?.tick([{ line: "t/0", clockMs: noonMs + 62_000 }]);
      expect(await ground.alerts()).toMatchObject([{ rule: "Silent", state: "firing", sinceMs: noonMs }]);
      await ground.put(speeds(1, 10).map((record) => ({ ...record, timeMs: noonMs + 70_000 })));
      expect(await ground.alerts()).toMatchObject([{ rule: "Silent", state: "resolved" }]);
    });

    test("a vehicle is silent when the others of its partition have gone on", async () => {
      const ground = await Ground.on(open);
      await ground.put([testRecord({ offset: 0, vehicle: "gone", agent: "a", value: "{}" })]);
      const later = [1, 2, 3].map((offset) => ({
        ...testRecord({
          offset,
          vehicle: "here",
          agent: "b",
          seq: offset,
          timeMs: noonMs + offset * 40_000,
          value: "{}",
        }),
        timeMs: noonMs + offset * 40_000,
      }));
      await ground.put(later);
      expect(await ground.alerts()).toMatchObject([{ vehicle: "gone", rule: "Silent", firedMs: noonMs + 60_000 }]);
    });

    test("an alert whose rule is no more, or means something else, is resolved", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 130, 131, 132));
      await ground.restart(yaml.replace("speed > 120", "speed > 125"));
      await ground.store.rules?.tick([]);
      expect(await ground.alerts({ rule: "Fast" })).toMatchObject([{ state: "resolved", resolvedBy: "rule" }]);
    });

    test("too many vehicles: the longest silent are forgotten, counted, and begin anew", async () => {
      const ground = await Ground.on(open, `vehiclesMax: 10\n${yaml}`);
      const records = Array.from({ length: 40 }, (_, offset) => ({
        ...testRecord({ offset, vehicle: `car-${offset}`, agent: `a${offset}`, seq: 0, value: '{"speed":1}' }),
        timeMs: noonMs + offset * 600_000,
      }));
      await ground.put(records.slice(0, 20));
      await ground.put(records.slice(20));
      expect((await ground.reader.sums()).vehicles).toBe(10);
      expect(ground.store.rules?.counters.vehiclesDropped).toBe(30);
    });

    test("alerts are read in pages by vehicle, rule and state, and summed", async () => {
      const ground = await Ground.on(open);
      await ground.put(drive);
      const all = await ground.alerts();
      expect(await ground.alerts({ vehicle: "car-1" })).toEqual(all.filter(({ vehicle }) => vehicle === "car-1"));
      expect(await ground.alerts({ rule: "Jump", state: "occurred" })).toEqual(
        all.filter(({ rule }) => rule === "Jump"),
      );
      expect(await ground.alerts({ before: all[4]?.number, limit: 3 })).toEqual(all.slice(5, 8));
      const { rules } = await ground.reader.sums();
      expect(rules.map(({ alerts }) => alerts).reduce((a, b) => a + b, 0)).toBe(all.length);
    });

    test("each change is kept for each target until it is delivered; a taken one is nobody else's", async () => {
      const ground = await Ground.on(open, yaml, ["webhook", "topic"]);
      await ground.put(speeds(0, 130, 131, 132, 50));
      const { rules } = ground.store;
      const [alert] = await ground.alerts();
      const taken = (await rules?.take("webhook", 10, 5_000)) ?? [];
      expect(taken.map(({ key }) => key)).toEqual([alert?.id ?? "", `${alert?.id}:resolved:${noonMs + 3_000}`]);
      expect(taken.map(({ body }) => JSON.parse(body).state)).toEqual(["firing", "resolved"]);
      expect(await rules?.take("webhook", 10, 5_000)).toEqual([]);
      await rules?.delivered([taken[0]?.id ?? 0]);
      await rules?.postpone([taken[1]?.id ?? 0], 60_000);
      expect(await rules?.take("webhook", 10, 5_000)).toEqual([]);
      ground.clock.advance(60_001);
      expect(await rules?.take("webhook", 10, 5_000)).toMatchObject([{ attempts: 2 }]);
      expect((await ground.reader.sums()).undelivered).toBe(3);
    });

    test("what does not fire any more is deleted when its time is over; what fires is kept, however old", async () => {
      const day = 86_400_000;
      const ground = await Ground.on(open, yaml, [], 2 * day);
      await ground.put([...speeds(0, 130, 131, 132, 50, 210), ...speeds(5, 130, 131, 132)]);
      const ids = async () => (await ground.alerts()).map(({ rule, state }) => `${rule} ${state}`);
      const all = await ids();
      expect(all).toContain("Jump occurred");
      expect(all).toContain("Fast resolved");
      expect(all).toContain("Fast firing");
      await ground.store.rules?.tick([]);
      ground.clock.advance(day);
      await ground.store.rules?.tick([]);
      expect(await ids()).toEqual(all);
      ground.clock.advance(2 * day);
      await ground.store.rules?.tick([]);
      expect(await ids()).toEqual(["Fast firing"]);
    });

    test("without a rules file what fires is resolved, once, and it is said; rules that come back begin anew", async () => {
      const ground = await Ground.on(open);
      await ground.put(speeds(0, 130, 131, 132));
      expect(await ground.alerts()).toMatchObject([{ rule: "Fast", state: "firing" }]);
      await ground.store.close();
      const said: unknown[] = [];
      const report: Report = ({ name }, fields) => void said.push([name, fields]);
      for (const resolved of [1, 0]) {
        const without = ground.under.openStore({ clock: ground.clock, report });
        await without.probe();
        await without.probe();
        expect(without.alertsWithdrawn).toBe(resolved);
        await without.close();
      }
      expect(said).toEqual([["alerts_without_rules", { resolved: 1 }]]);
      expect(await ground.alerts()).toMatchObject([{ state: "resolved", resolvedBy: "rule" }]);
      await ground.restart();
      await ground.put(speeds(3, 130, 131, 132));
      expect(await ground.alerts({ state: "firing" })).toMatchObject([{ rule: "Fast", event: "gw1/e1/drive.0/3" }]);
    });
  });
}
