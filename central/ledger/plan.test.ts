import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../shared/random/random.ts";
import type { PlainRecord } from "../records/record-block.ts";
import { MemoryLedger } from "../testing/memory-ledger.ts";
import { noonMs, testRecord } from "../testing/records.ts";
import { bounds, defaultQuotas } from "./limits.ts";

const dayMs = 86_400_000;

/** One record after the other, looked up in plain maps: no ranges, no batches. */
class NaiveCentre {
  readonly taken = new Map<string, { readonly vehicle: string; readonly timeMs: number; readonly value: string }>();
  readonly shed = new Set<string>();
  readonly state = new Map<string, { readonly effectiveMs: number; readonly offset: number; readonly value: string }>();
  stored = 0;
  repeated = 0;
  conflicts = 0;
  refused = 0;

  record(
    lane: string,
    seq: number,
    event: { vehicle: string; timeMs: number; value: string; offset: number },
    nowMs: number,
  ) {
    const key = `${lane}${seq}`;
    const { vehicle, timeMs, value, offset } = event;
    const before = this.taken.get(key);
    if (before !== undefined) {
      if (before.vehicle === vehicle && before.timeMs === timeMs && before.value === value) this.repeated++;
      else this.conflicts++;
      return;
    }
    this.shed.delete(key);
    this.taken.set(key, event);
    this.stored++;
    const effectiveMs = Math.min(timeMs, nowMs);
    const state = this.state.get(vehicle);
    if (state === undefined || effectiveMs > state.effectiveMs) this.state.set(vehicle, { effectiveMs, offset, value });
  }

  marker(lane: string, first: number, last: number) {
    for (let seq = first; seq <= last; seq++) {
      const key = `${lane}${seq}`;
      if (!this.taken.has(key)) this.shed.add(key);
    }
  }
}

describe("the plan of an append", () => {
  test.each(Array.from({ length: 25 }, (_, seed) => seed))(
    "comes to what a naive centre does, with seed %d",
    (seed) => {
      const random = seededRandom(500 + seed);
      const pick = (below: number) => Math.floor(random.next() * below);
      const naive = new NaiveCentre();
      const ledger = new MemoryLedger();
      const counts = { stored: 0, repeated: 0, conflicts: 0, refused: 0 };
      let offset = 0;
      for (let round = 0; round < 40; round++) {
        const records: PlainRecord[] = [];
        const nowMs = noonMs + round * 10_000;
        let seq = pick(120);
        for (let left = pick(25); left >= 0; left--) {
          const epoch = `e${pick(2)}`;
          const lane = pick(2);
          const prefix = `gw1/${epoch}/drive.${lane}/`;
          const kind = pick(12);
          if (kind === 0) {
            const [first, last] = [seq, seq + pick(20)];
            const identity = `${prefix}${first}-${last}!ttl@${noonMs}`;
            records.push({ offset: offset++, timeMs: noonMs, key: undefined, value: undefined, identity });
            naive.marker(prefix, first, last);
          } else if (kind === 1) {
            const identity = `${prefix}${bounds.seq + 1 + pick(9)}@${noonMs}`;
            records.push(testRecord({ offset: offset++, identity }));
            naive.refused++;
          } else {
            if (pick(3) === 0) seq = pick(120);
            // Times are unlike each other, so that the last state has one answer; a few are far ahead.
            const timeMs = pick(15) === 0 ? noonMs + 1e12 + offset : noonMs + seq * 100_000 - pick(2);
            const vehicle = `car-${seq % 3}`;
            const value = pick(6) === 0 ? "other" : `value ${seq}`;
            records.push(testRecord({ offset, vehicle, value, identity: `${prefix}${seq}@${timeMs}` }));
            naive.record(prefix, seq, { vehicle, timeMs, value, offset: offset++ }, nowMs);
            seq++;
          }
        }
        const plan = ledger.append(records, nowMs);
        for (const name of ["stored", "repeated", "conflicts", "refused"] as const) counts[name] += plan.counts[name];
      }
      const { stored, repeated, conflicts, refused } = naive;
      expect(counts).toEqual({ stored, repeated, conflicts, refused });
      const received = new Set<string>();
      const shed = new Set<string>();
      for (const [prefix, { ranges, nextSeq }] of ledger.lanes) {
        for (const { first, last, kind } of ranges.values()) {
          expect(last).toBeLessThan(nextSeq);
          for (let one = first; one <= last; one++) (kind === "received" ? received : shed).add(`${prefix}${one}`);
        }
      }
      expect([...received].sort()).toEqual([...naive.taken.keys()].sort());
      expect([...shed].sort()).toEqual([...naive.shed].sort());
      for (const [vehicle, { effectiveMs }] of naive.state) {
        const last = ledger.series.get(`drive\0${vehicle}`)?.last;
        expect(Math.min(last?.time ?? 0, last?.storedAtMs ?? 0)).toBe(effectiveMs);
      }
    },
  );

  test("a lane's number is one lane however it is spelled", () => {
    const ledger = new MemoryLedger();
    const spelled = ["gw1/e1/drive.3/0@1", "gw1/e1/drive.03/1@2", "gw1/e1/drive.3/01@2"];
    const { counts } = ledger.append(
      spelled.map((identity, offset) => testRecord({ offset, identity, value: "v" })),
      noonMs,
    );
    expect(counts).toMatchObject({ stored: 2, repeated: 1 });
    expect(ledger.lanes.size).toBe(1);
  });

  test("numbers that were claimed in advance cost no honest line: both are kept, the later one as a conflict", () => {
    const ledger = new MemoryLedger();
    ledger.append([testRecord({ offset: 0, value: "claimed" })], noonMs);
    const plan = ledger.append([testRecord({ offset: 1, seq: 0, value: "honest" })], noonMs);
    expect(plan.counts).toMatchObject({ stored: 0, conflicts: 1, refused: 0 });
    expect(ledger.conflicts.map(({ value, offset }) => [value?.toString(), offset])).toEqual([["honest", 1]]);
  });

  test("an honest lane that is new here may begin anywhere, one that is known jumps only so far", () => {
    const ledger = new MemoryLedger();
    const far = bounds.jump * 3;
    expect(ledger.append([testRecord({ offset: 0, seq: far, timeMs: noonMs })], noonMs).counts.stored).toBe(1);
    const within = testRecord({ offset: 1, seq: far + bounds.jump, timeMs: noonMs });
    const beyond = testRecord({ offset: 2, seq: far + 2 * bounds.jump + 2, timeMs: noonMs });
    const plan = ledger.append([beyond, within], noonMs);
    expect(plan.refused).toEqual([{ offset: 2, records: 1, reason: `a jump over more than ${bounds.jump} numbers` }]);
    expect(plan.counts.stored).toBe(1);
  });

  test("an agent opens as many lanes as its quota allows, and its neighbour as many of its own", () => {
    const ledger = new MemoryLedger({ ...defaultQuotas, lanes: 3 });
    const records = ["gw1", "gw2"].flatMap((agent, half) =>
      [0, 1, 2, 3, 4].map((lane) => testRecord({ offset: half * 5 + lane, seq: 0, agent, lane })),
    );
    const plan = ledger.append(records, noonMs);
    expect(plan.counts).toMatchObject({ stored: 6, refused: 4 });
    expect(plan.refused[0]).toEqual({ offset: 3, records: 2, reason: "gw1 has 3 lanes, its quota" });
    expect(ledger.lanes.size).toBe(6);
    expect(ledger.append([testRecord({ offset: 10, seq: 1, lane: 1 })], noonMs).counts.stored).toBe(1);
    expect(ledger.append([testRecord({ offset: 11, seq: 0, lane: 9 })], noonMs).counts.refused).toBe(1);
  });

  test("an agent begins as many streams of vehicles as its quota allows; a refused record takes no number", () => {
    const ledger = new MemoryLedger({ ...defaultQuotas, series: 2 });
    const records = [0, 1, 2, 3].map((seq) => testRecord({ offset: seq, vehicle: `car-${seq}` }));
    const plan = ledger.append(records, noonMs);
    expect(plan.counts).toMatchObject({ stored: 2, refused: 2 });
    expect(plan.refused[0]?.reason).toBe("gw1 has begun 2 streams of vehicles, its quota");
    expect([...(ledger.lanes.get("gw1/e1/drive.0/")?.ranges.values() ?? [])]).toMatchObject([{ first: 0, last: 1 }]);
    const foreign = [0, 1, 2].map((one) => testRecord({ offset: 4 + one, identity: null, vehicle: `truck-${one}` }));
    expect(ledger.append(foreign, noonMs).counts).toMatchObject({ stored: 2, refused: 1 });
  });

  test("an agent sends as many bytes a day as its quota allows, and goes on the next day", () => {
    const ledger = new MemoryLedger({ ...defaultQuotas, bytesPerDay: 1_000 });
    const record = (offset: number) => testRecord({ offset, value: "x".repeat(236) });
    const plan = ledger.append([0, 1, 2, 3, 4].map(record), noonMs);
    expect(plan.counts).toMatchObject({ stored: 3, refused: 2 });
    expect(plan.refused[0]?.reason).toBe("gw1 has sent 1000 bytes today, its quota");
    expect(ledger.append([record(5)], noonMs + 1).counts.refused).toBe(1);
    expect(ledger.append([record(6)], noonMs + dayMs).counts.stored).toBe(1);
  });

  test("conflicts use up the quota too: a flood of them fills no disk", () => {
    const ledger = new MemoryLedger({ ...defaultQuotas, bytesPerDay: 1_000 });
    ledger.append([testRecord({ offset: 0, value: "x" })], noonMs);
    const liars = Array.from({ length: 10 }, (_, index) =>
      testRecord({ offset: 1 + index, seq: 0, timeMs: noonMs, value: `${index}`.repeat(236) }),
    );
    expect(ledger.append(liars, noonMs).counts).toMatchObject({ conflicts: 3, refused: 7 });
  });
});
