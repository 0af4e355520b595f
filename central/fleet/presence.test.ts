import { expect, test } from "bun:test";
import type { Heartbeat } from "../../shared/heartbeat/heartbeat.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { testBeat, testLane } from "../testing/heartbeats.ts";
import { hasCaughtUp, hear, type KnownAgent } from "./presence.ts";

const beat = testBeat;
const lane = testLane;

function after(...beats: readonly [beat: Heartbeat, heardMs: number][]): KnownAgent | undefined {
  let known: KnownAgent | undefined;
  for (const [each, heardMs] of beats) known = hear(known, { beat: each, heardMs }) ?? known;
  return known;
}

test("the clock offset is its wall clock less the broker's; the start is told by its uptime", () => {
  const heard = hear(undefined, { beat: beat({ atMs: 4_000_000_000_000, upMs: 5_000 }), heardMs: 1_000_000 });
  expect(heard?.presence).toMatchObject({ clockOffsetMs: 3_999_999_000_000, startedMs: 995_000, heardMs: 1_000_000 });
});

test("one of the same run that is not newer is ignored, whatever its clock says", () => {
  const known = after([beat({ n: 7 }), 1_000]);
  expect(hear(known, { beat: beat({ n: 7, atMs: 9e12 }), heardMs: 9_000 })).toBeUndefined();
  expect(hear(known, { beat: beat({ n: 6 }), heardMs: 9_000 })).toBeUndefined();
  expect(hear(known, { beat: beat({ n: 8 }), heardMs: 500 })?.presence.heardMs).toBe(1_000);
});

const told = (id: number, endedAgoMs = 1_000): Heartbeat["outages"][number] => ({
  id,
  endedAgoMs,
  forMs: 60_000,
  lanes: [{ stream: "drive", epoch: "e1", lane: 0, first: 5, last: 9 }],
  lanesCut: 0,
});

test("an outage of the link is taken once, though every heartbeat tells it, and though the first of them is compacted away", () => {
  const known = after([beat(), 1_000]);
  const second = hear(known, { beat: beat({ n: 9, outages: [told(1, 40_000), told(2)] }), heardMs: 200_000 });
  expect(second?.outages.map(({ kind, fromMs, toMs }) => ({ kind, fromMs, toMs }))).toEqual([
    { kind: "link", fromMs: 100_000, toMs: 160_000 },
    { kind: "link", fromMs: 139_000, toMs: 199_000 },
  ]);
  if (second === undefined) throw new Error("it is newer");
  const third = hear(second, { beat: beat({ n: 10, outages: [told(1), told(2), told(3)] }), heardMs: 300_000 });
  expect(third?.outages).toHaveLength(1);
});

test("a new run ends an absence: stopped when it said so, killed when not; what waited reaches to where the new one began", () => {
  for (const stopping of [true, false]) {
    const known = after([beat({ stopping, lanes: [lane({ unsentFrom: 4, held: 6 })] }), 1_000]);
    const lanes = [lane({ assigned: 30, unsentFrom: 30, began: 12 })];
    const heard = hear(known, { beat: beat({ run: "r2", upMs: 2_000, lanes }), heardMs: 500_000 });
    expect(heard?.outages).toEqual([
      {
        kind: stopping ? "stopped" : "killed",
        fromMs: 1_000,
        toMs: 498_000,
        missed: [{ stream: "drive", epoch: "e1", lane: 0, first: 4, last: 11 }],
        missedCut: 0,
        losses: [],
      },
    ]);
  }
});

test("a start that was quick is no outage, and central's own absence is none of the vehicle's", () => {
  const known = after([beat({ n: 1, upMs: 10_000 }), 1_000]);
  expect(hear(known, { beat: beat({ run: "r2", upMs: 500 }), heardMs: 60_000 })?.outages).toEqual([]);
  // All heartbeats of an hour were compacted away but the last.
  expect(hear(known, { beat: beat({ n: 121, upMs: 3_610_000 }), heardMs: 3_601_000 })?.outages).toEqual([]);
});

test("losses without a number are what their counters grew by", () => {
  const counts = (amount: number): Heartbeat["streams"] => [
    {
      stream: "drive",
      counts: [
        ["lost_at_source", amount],
        ["cut", 50],
      ],
    },
  ];
  const known = after([beat({ streams: counts(3) }), 1_000]);
  const heard = hear(known, { beat: beat({ n: 2, outages: [told(1)], streams: counts(10) }), heardMs: 90_000 });
  expect(heard?.outages[0]?.losses).toEqual([{ stream: "drive", name: "lost_at_source", amount: 7 }]);
});

test("a lane that is told no more holds nothing, and lanes are bounded", () => {
  const known = after([beat({ lanes: [lane({ epoch: "old", unsentFrom: 3, held: 7 })] }), 1_000]);
  const heard = hear(known, { beat: beat({ n: 2, lanes: [lane()] }), heardMs: 2_000 });
  expect(heard?.lanes.map(({ epoch, assigned, held }) => [epoch, assigned, held])).toEqual([
    ["e1", 10, 0],
    ["old", 3, 0],
  ]);
  let many: KnownAgent | undefined;
  for (let n = 1; n <= 30; n++) {
    const lanes = Array.from({ length: 200 }, (_, number) => lane({ epoch: `e${n}`, lane: number }));
    many = hear(many, { beat: beat({ n, lanes }), heardMs: n }) ?? many;
  }
  expect(many?.lanes.length).toBe(512);
});

test("caught up: all that waited has left, on every lane", () => {
  const missed = [
    { stream: "a", epoch: "e", lane: 0, first: 3, last: 9 },
    { stream: "b", epoch: "e", lane: 0, first: 0, last: 0 },
  ];
  const at = (a: number, b: number) =>
    after([
      beat({
        lanes: [
          lane({ stream: "a", epoch: "e", unsentFrom: a, assigned: 20 }),
          lane({ stream: "b", epoch: "e", unsentFrom: b }),
        ],
      }),
      1,
    ])?.lanes ?? [];
  expect(hasCaughtUp(missed, at(9, 1))).toBe(false);
  expect(hasCaughtUp(missed, at(10, 0))).toBe(false);
  expect(hasCaughtUp(missed, at(10, 1))).toBe(true);
  expect(hasCaughtUp([], [])).toBe(true);
});

/**
 * A model of an agent's life: it beats, loses its link, is stopped or killed; beats may be lost on the way to us
 * (compaction). What is told must be what happened, each once, as long as one beat in three outages arrives.
 */
test("random lives: every outage is told once, with its numbers", () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    let nowMs = 1_000_000;
    let known: KnownAgent | undefined;
    let run = 0;
    let n = 0;
    let startedMs = nowMs;
    let assigned = 0;
    let unsentFrom = 0;
    let began = 0;
    let outages: { id: number; endedMs: number; forMs: number; first: number; last: number }[] = [];
    let lastId = 0;
    const happened: string[] = [];
    const seen: string[] = [];
    const send = (stopping: boolean) => {
      n++;
      const lanes = [lane({ assigned, unsentFrom, held: assigned - unsentFrom, began })];
      const upMs = nowMs - startedMs;
      const of = outages.slice(-3).map(({ id, endedMs, forMs, first, last }) => ({
        id,
        endedAgoMs: nowMs - endedMs,
        forMs,
        lanes: first > last ? [] : [{ stream: "drive", epoch: "e1", lane: 0, first, last }],
        lanesCut: 0,
      }));
      const made = beat({ run: `r${run}`, n, upMs, lanes, outages: of, stopping });
      const heard = hear(known, { beat: made, heardMs: nowMs });
      if (heard === undefined) throw new Error("newer, and ignored");
      known = heard;
      for (const { kind, fromMs, toMs, missed } of heard.outages) {
        seen.push(JSON.stringify([kind, fromMs, toMs, missed.map(({ first, last }) => [first, last])]));
      }
    };
    send(false);
    let lastSentMs = nowMs;
    for (let step = 0; step < 40; step++) {
      nowMs += 30_000;
      assigned += Math.floor(random.next() * 5);
      const dice = random.next();
      if (dice < 0.6) {
        unsentFrom = assigned;
        send(false);
        lastSentMs = nowMs;
      } else if (dice < 0.8) {
        const first = unsentFrom;
        nowMs += Math.floor(random.next() * 1e6);
        assigned += Math.floor(random.next() * 50);
        const forMs = nowMs - lastSentMs;
        outages.push({ id: ++lastId, endedMs: nowMs, forMs, first, last: assigned - 1 });
        happened.push(JSON.stringify(["link", nowMs - forMs, nowMs, first < assigned ? [[first, assigned - 1]] : []]));
        send(false);
        lastSentMs = nowMs;
      } else {
        const stopping = random.next() < 0.5;
        if (stopping) send(true);
        const fromMs = stopping ? nowMs : lastSentMs;
        if (stopping) lastSentMs = nowMs;
        nowMs += 90_000 + Math.floor(random.next() * 1e6);
        startedMs = nowMs;
        run++;
        n = 0;
        outages = [];
        lastId = 0;
        began = assigned;
        const at = known?.lanes[0]?.unsentFrom ?? 0;
        happened.push(
          JSON.stringify([stopping ? "stopped" : "killed", fromMs, nowMs, at < began ? [[at, began - 1]] : []]),
        );
        nowMs += 500;
        send(false);
        lastSentMs = nowMs;
      }
    }
    expect(seen).toEqual(happened);
  }
});
