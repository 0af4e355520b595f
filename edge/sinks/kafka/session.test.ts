import { expect, test } from "bun:test";
import { testBatch, testLane } from "../../testing/fakes/test-batches.ts";
import { formatMark, parseMark } from "./mark.ts";
import { covers, formatSession, numberOf, parseSession, type Session, sequenceOf } from "./session.ts";

const session: Session = {
  producerId: 9_007_199_254_740_993n,
  producerEpoch: 3,
  first: 1_000,
  until: undefined,
  producerFirst: 1_000,
  hereFirst: 1_000,
  takenBelow: undefined,
  cut: undefined,
  stepped: false,
  marker: false,
  fenced: false,
  suspectBelow: 0,
  logEnd: 77,
  opened: { uptimeMs: 5, bootId: "boot" },
};

test("a row comes back as it was, large producer ids too", () => {
  expect(parseSession(formatSession(session))).toEqual(session);
  const closed = {
    ...session,
    producerFirst: 9,
    hereFirst: 7,
    takenBelow: 1_300,
    cut: { before: 8, resendFrom: 4 },
    until: 1_200,
    stepped: true,
    marker: true,
    fenced: true,
    suspectBelow: 1_100,
    logEnd: undefined,
  };
  expect(parseSession(formatSession(closed))).toEqual(closed);
});

test.each(["", "{", "null", "[]", "{}", '{"version":2}', '{"version":1,"producerId":"x"}'])(
  "a row that is not ours reads as none: %p",
  (text) => {
    expect(parseSession(text)).toBeUndefined();
    expect(parseMark(text)).toBeUndefined();
  },
);

test("a mark comes back as it was, with and without its times", () => {
  const mark = {
    producerId: 7n,
    producerEpoch: 2,
    offset: 99,
    brokerTimeMs: 5,
    at: { uptimeMs: 8, bootId: "b" },

    below: 77,
  };
  expect(parseMark(formatMark(mark))).toEqual(mark);
  const bare = { ...mark, brokerTimeMs: undefined, at: undefined, below: undefined };
  expect(parseMark(formatMark(bare))).toEqual(bare);
});

test("sequences begin at 0 with the session and wrap at 2^31; numbers are found again on both sides of it", () => {
  expect(sequenceOf(session, 1_000)).toBe(0);
  expect(sequenceOf(session, 1_000 + 2 ** 31)).toBe(0);
  expect(sequenceOf(session, 999 + 2 ** 31)).toBe(2 ** 31 - 1);
  for (const number of [1_000, 5_000, 999 + 2 ** 31, 1_000 + 2 ** 31, 3_000 + 5 * 2 ** 31]) {
    for (const near of [number - 900, number, number + 900]) {
      if (near >= session.first) expect(numberOf(session, sequenceOf(session, number), near)).toBe(number);
    }
  }
});

test("a session covers what begins in it and ends before its end, and a marker only its own", () => {
  const lane = testLane("driving");
  const batch = (first: number, count: number, kind: "records" | "shed" = "records") =>
    testBatch(lane, { first, count, kind });
  expect(covers(session, batch(999, 5))).toBe(false);
  expect(covers(session, batch(1_000, 5))).toBe(true);
  expect(covers(session, batch(1_000, 5, "shed"))).toBe(false);
  expect(covers({ ...session, until: 1_005 }, batch(1_000, 5))).toBe(true);
  expect(covers({ ...session, until: 1_004 }, batch(1_000, 5))).toBe(false);
  expect(covers({ ...session, fenced: true }, batch(1_000, 5))).toBe(false);
  const marker = { ...session, marker: true, until: 1_050 };
  expect(covers(marker, batch(1_000, 50, "shed"))).toBe(true);
  expect(numberOf(marker, 0, 1_000)).toBe(1_049);
});
