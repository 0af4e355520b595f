import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../shared/random/random.ts";
import { LaneRanges, type Range, type RangeKind } from "./ranges.ts";

/** A number a cell: what a reader would write down who has all the time in the world. */
class NaiveLane {
  readonly cells = new Map<number, { kind: RangeKind; reason: string | null }>();

  receive(seq: number): boolean {
    if (this.cells.get(seq)?.kind === "received") return false;
    this.cells.set(seq, { kind: "received", reason: null });
    return true;
  }

  shed(first: number, last: number, reason: string): number {
    let marked = 0;
    for (let seq = first; seq <= last; seq++) {
      if (this.cells.has(seq)) continue;
      this.cells.set(seq, { kind: "shed", reason });
      marked++;
    }
    return marked;
  }

  ranges(): Range[] {
    const ranges: { first: number; last: number; kind: RangeKind; reason: string | null }[] = [];
    for (const [seq, { kind, reason }] of [...this.cells].sort(([a], [b]) => a - b)) {
      const end = ranges.at(-1);
      if (end?.last === seq - 1 && end.kind === kind && end.reason === reason) end.last = seq;
      else ranges.push({ first: seq, last: seq, kind, reason });
    }
    return ranges;
  }

  count(kind: RangeKind): number {
    return [...this.cells.values()].filter((cell) => cell.kind === kind).length;
  }
}

/** What a store does with the changes: rows by their first number. */
function apply(rows: Map<number, Range>, lane: LaneRanges): void {
  const { removed, put } = lane.changes();
  for (const first of removed) expect(rows.delete(first)).toBe(true);
  for (const range of put) rows.set(range.first, range);
}

const sortedRows = (rows: Map<number, Range>) => [...rows.values()].sort((a, b) => a.first - b.first);

describe("a lane's ranges", () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed))("are those of a naive reader, with seed %d", (seed) => {
    const random = seededRandom(1_000 + seed);
    const pick = (below: number) => Math.floor(random.next() * below);
    const naive = new NaiveLane();
    const rows = new Map<number, Range>();
    // A store of an earlier version has dead numbers, and ranges that touch.
    for (let seq = 3; seq < 12; seq++) naive.cells.set(seq, { kind: "dead", reason: "dead-letter" });
    rows.set(3, { first: 3, last: 11, kind: "dead", reason: "dead-letter" });
    const sums = { received: 0, shed: 0, dead: 9 };
    for (let round = 0; round < 60; round++) {
      const lane = new LaneRanges(sortedRows(rows));
      let next = pick(150);
      for (let step = pick(12); step >= 0; step--) {
        if (pick(6) === 0) {
          const first = pick(150);
          const last = first + pick(30);
          const reason = pick(2) === 0 ? "ttl" : "overflow";
          expect(lane.shed(first, last, reason)).toBe(naive.shed(first, last, reason));
        } else {
          if (pick(4) === 0) next = pick(150);
          expect(lane.receive(next)).toBe(naive.receive(next));
          next++;
        }
        expect(lane.all()).toEqual(naive.ranges());
      }
      sums.received += lane.delta.received;
      sums.shed += lane.delta.shed;
      sums.dead += lane.delta.dead;
      apply(rows, lane);
      expect(sortedRows(rows)).toEqual(naive.ranges());
    }
    for (const kind of ["received", "shed", "dead"] as const) expect(sums[kind]).toBe(naive.count(kind));
  });

  test("need only the neighbourhood of the numbers that are named", () => {
    const near: Range[] = [{ first: 10, last: 20, kind: "received", reason: null }];
    const lane = new LaneRanges(near);
    expect([lane.receive(21), lane.receive(22), lane.receive(15)]).toEqual([true, true, false]);
    expect(lane.changes()).toEqual({ removed: [], put: [{ first: 10, last: 22, kind: "received", reason: null }] });
  });

  test("write nothing when nothing is new", () => {
    const lane = new LaneRanges([{ first: 0, last: 9, kind: "received", reason: null }]);
    expect(lane.receive(4)).toBe(false);
    expect(lane.changes()).toEqual({ removed: [], put: [] });
    expect(lane.changed).toBe(false);
  });
});
