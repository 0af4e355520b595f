import { expect, test } from "bun:test";
import { heartbeatBounds } from "./format.ts";
import { type Heartbeat, readHeartbeat } from "./heartbeat.ts";

const lane = {
  stream: "drive",
  epoch: "e1",
  lane: 0,
  to: "drive",
  assigned: 100,
  unsentFrom: 80,
  held: 15,
  shed: 5,
  dead: 0,
  unsentMs: 1_700_000_000_000,
  hours: [[472_222, 70]] as [number, number][],
};
const beat: Heartbeat = {
  v: 1,
  agent: "gw-1",
  epoch: "e1",
  run: "00ff",
  n: 3,
  everyMs: 30_000,
  atMs: 1_700_000_100_000,
  upMs: 90_000,
  version: "1.0",
  config: "abc",
  backlog: { events: 15, bytes: 900 },
  freeDiskBytes: 1e9,
  lanes: [lane],
  lanesCut: 0,
  streams: [{ stream: "drive", counts: [["lost_at_source", 7]] }],
  outages: [
    {
      id: 1,
      endedAgoMs: 10,
      forMs: 20,
      lanes: [{ stream: "drive", epoch: "e1", lane: 0, first: 3, last: 9 }],
      lanesCut: 0,
    },
  ],
};

const read = (value: unknown) => readHeartbeat(Buffer.from(JSON.stringify(value)));

test("what was written is read, and keys of later versions are left out", () => {
  expect(readHeartbeat(Buffer.from(JSON.stringify(beat)))).toEqual({ ok: true, beat });
  expect(read({ ...beat, later: "x", lanes: [{ ...lane, later: 1 }] })).toEqual({ ok: true, beat });
});

const refused: readonly [what: string, value: unknown][] = [
  ["nothing of ours", "x"],
  ["another version", { ...beat, v: 2 }],
  ["an agent with a separator", { ...beat, agent: "a/b" }],
  ["a name that is too long", { ...beat, agent: "a".repeat(heartbeatBounds.nameBytes + 1) }],
  ["a number beyond all numbers", { ...beat, lanes: [{ ...lane, assigned: 2 ** 49 }] }],
  ["a negative number", { ...beat, n: -1 }],
  ["half a number", { ...beat, upMs: 0.5 }],
  ["a time beyond the calendar", { ...beat, atMs: 1e15 }],
  ["more unsent than assigned", { ...beat, lanes: [{ ...lane, unsentFrom: 101, held: 0 }] }],
  ["more held than unsent", { ...beat, lanes: [{ ...lane, held: 21 }] }],
  ["a lane twice", { ...beat, lanes: [lane, lane] }],
  ["too many lanes", { ...beat, lanes: Array.from({ length: 257 }, (_, index) => ({ ...lane, lane: index })) }],
  ["too many outages", { ...beat, outages: Array.from({ length: 4 }, () => beat.outages[0]) }],
  [
    "a range that ends before it begins",
    { ...beat, outages: [{ ...beat.outages[0], lanes: [{ ...lane, first: 5, last: 4 }] }] },
  ],
];

for (const [what, value] of refused) {
  test(`refuses ${what}, in words that are not the sender's`, () => {
    const reading = read(value);
    expect(reading.ok).toBe(false);
    if (!reading.ok)
      expect(reading.reason).toMatch(
        /^no heartbeat: (?:its [a-z.\dA-Z]+ is beyond the bounds|not an object.*|a lane twice)$/,
      );
  });
}

test("refuses what is too large before it is parsed, half a text, and wrong bytes", () => {
  expect(readHeartbeat(Buffer.alloc(heartbeatBounds.bytes + 1, 0x20)).ok).toBe(false);
  expect(readHeartbeat(Buffer.from(JSON.stringify(beat).slice(0, -5))).ok).toBe(false);
  expect(readHeartbeat(Buffer.from([0xff, 0xfe, 0])).ok).toBe(false);
  expect(readHeartbeat(Buffer.alloc(0)).ok).toBe(false);
});
