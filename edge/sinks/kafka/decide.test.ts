/** The tables of DESIGN.md, row by row. */
import { describe, expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { decide, type Heard, type Known, type Step } from "./decide.ts";
import type { Found } from "./look-up.ts";
import { verdictOf } from "./verdict.ts";

/** Numbers 10 to 14, never sent, right behind the last batch of its session. */
const known: Known = {
  first: 10,
  end: 15,
  divisible: true,
  inDoubt: false,
  suspect: false,
  mayBeForgotten: false,
  session: "covers",
  continues: true,
  resendFrom: undefined,
  sessionFirst: 3,
  acknowledged: 10,
  leaderIsNew: false,
  triesLeft: true,
};
const doubt = { ...known, inDoubt: true };
const old = { ...doubt, mayBeForgotten: true };

const log = (leader: Extract<Found, { kind: "log" }>["leader"], committed?: number): Found => ({
  kind: "log",
  leader,
  committed,
});
const unknown = { kind: "unknown", reason: "29" } as const;
const answered = (code: number, inDoubt = false, belowMark = false): Heard => ({
  kind: "answered",
  verdict: verdictOf(code),
  inDoubt,
  belowMark,
});

test.each<[string, Known, Partial<Step>]>([
  ["ends before the session began", { ...known, session: "begins_behind" }, { kind: "settled" }],
  ["was taken by a log that lost all before it", { ...known, session: "repairs" }, { kind: "repair" }],
  ["sending again was broken off", { ...known, resendFrom: 4 }, { kind: "look", why: "broken_off" }],
  ["another broker leads", { ...known, leaderIsNew: true }, { kind: "look", why: "leader" }],
  ["goes on", known, { kind: "send" }],
  ["no session", { ...known, session: "none" }, { kind: "open", suspect: false }],
  ["a hole before it", { ...known, continues: false }, { kind: "open", suspect: false }],
  ["the session was closed", { ...known, session: "other" }, { kind: "open", suspect: false }],
  ["in doubt", doubt, { kind: "send" }],
  ["in doubt, and its session is lost", { ...doubt, session: "none" }, { kind: "open", suspect: true }],
  ["in doubt for too long", old, { kind: "look", why: "age" }],
  ["in doubt for too long, and we may not look", { ...old, suspect: true }, { kind: "send" }],
])("begin: %s", (_, given, step) => {
  expect(decide(given, { kind: "begin" })).toMatchObject(step);
});

describe("answers", () => {
  test.each<[string, Heard, Partial<Step>]>([
    ["OK", answered(0), { kind: "succeed" }],
    ["OK below the mark", answered(0, false, true), { kind: "repair" }],
    [
      "46, whose offset is −1",
      answered(errors.DUPLICATE_SEQUENCE_NUMBER, true, true),
      { kind: "look", why: "arrived" },
    ],
    ["46", answered(errors.DUPLICATE_SEQUENCE_NUMBER, true), { kind: "look", why: "arrived" }],
    ["45", answered(errors.OUT_OF_ORDER_SEQUENCE_NUMBER), { kind: "look", why: "order" }],
    ["47", answered(errors.INVALID_PRODUCER_EPOCH), { kind: "fence" }],
    ["90", answered(errors.PRODUCER_FENCED), { kind: "fence" }],
    ["7", answered(errors.REQUEST_TIMED_OUT), { kind: "again", code: "KAFKA_UNKNOWN_OUTCOME", absent: false }],
    ["6", answered(errors.NOT_LEADER_OR_FOLLOWER), { kind: "again", code: "KAFKA_UNKNOWN_OUTCOME", absent: false }],
    ["20", answered(errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND), { kind: "again", absent: false }],
    ["19", answered(errors.NOT_ENOUGH_REPLICAS), { kind: "again", code: "KAFKA_NOT_ENOUGH_REPLICAS", absent: true }],
    ["19 in doubt", answered(errors.NOT_ENOUGH_REPLICAS, true), { kind: "again", absent: false }],
    ["29", answered(errors.TOPIC_AUTHORIZATION_FAILED), { kind: "again", code: "KAFKA_UNAUTHORIZED" }],
    ["10", answered(errors.MESSAGE_TOO_LARGE), { kind: "split" }],
    ["10 in doubt", answered(errors.MESSAGE_TOO_LARGE, true), { kind: "look", why: "arrived", blind: "suspect" }],
    ["59", answered(errors.UNKNOWN_PRODUCER_ID), { kind: "open" }],
    ["59 in doubt", answered(errors.UNKNOWN_PRODUCER_ID, true), { kind: "look", why: "arrived" }],
    ["2", answered(errors.CORRUPT_MESSAGE), { kind: "again" }],
    ["87", answered(errors.INVALID_RECORD), { kind: "refuse" }],
    ["87 in doubt", answered(errors.INVALID_RECORD, true), { kind: "look", why: "arrived" }],
  ])("%s", (_, heard, step) => {
    expect(decide(known, heard)).toMatchObject(step);
  });

  test("10 for a single record, and 2 too often, are refused", () => {
    expect(decide({ ...known, divisible: false }, answered(errors.MESSAGE_TOO_LARGE)).kind).toBe("refuse");
    expect(decide({ ...known, triesLeft: false }, answered(errors.CORRUPT_MESSAGE)).kind).toBe("refuse");
  });
});

describe("what a look-up proves", () => {
  const look = { kind: "look", why: "arrived", otherwise: { kind: "split" }, blind: "suspect" } as const;
  const age = { kind: "look", why: "age" } as const;
  test.each<[string, Found, Partial<Step>, Partial<Step>]>([
    ["committed", log(14, 14), { kind: "proved", upTo: 14 }, { kind: "proved", upTo: 14 }],
    ["only the leader has it: nothing", log(14), { kind: "again" }, { kind: "again" }],
    ["committed in part only", log(12, 12), { kind: "send" }, { kind: "split" }],
    ["not there", log(9), { kind: "send" }, { kind: "split" }],
    ["the producer is forgotten", log("forgotten"), { kind: "send" }, { kind: "split" }],
    ["we may not look", unknown, { kind: "send" }, { kind: "split" }],
    ["a newer epoch", { kind: "fenced" }, { kind: "fence" }, { kind: "fence" }],
  ])("%s", (_, found, forAge, arrived) => {
    expect(decide(old, { kind: "found", look: age, found })).toMatchObject(forAge);
    expect(decide(doubt, { kind: "found", look, found })).toMatchObject(arrived);
  });
});

describe("45", () => {
  const order = (found: Found, inDoubt: boolean) =>
    decide(known, { kind: "found", look: { kind: "look", why: "order", inDoubt }, found });

  test.each<[string, Found, Partial<Step>, Partial<Step>]>([
    ["this batch or later", log(14), { kind: "fence" }, { kind: "go_beyond" }],
    ["a part of it", log(12), { kind: "open", suspect: true }, { kind: "open", suspect: true }],
    ["right before it", log(9), { kind: "resend", from: 10 }, { kind: "resend", from: 10 }],
    ["earlier", log(5), { kind: "resend", from: 6 }, { kind: "resend", from: 6 }],
    ["no such producer", log("forgotten"), { kind: "again" }, { kind: "again" }],
    ["we may not ask", unknown, { kind: "resend_all", from: 3 }, { kind: "go_beyond" }],
  ])("the log goes up to: %s", (_, found, fresh, inDoubt) => {
    expect(order(found, false)).toMatchObject(fresh);
    expect(order(found, true)).toMatchObject(inDoubt);
  });

  test("a later batch that is taken proves it; when none is, it is read back or sent with all before it", () => {
    const step = order(log(14), true);
    if (step.kind !== "go_beyond") throw new Error(step.kind);
    const { otherwise } = step;
    expect(decide(doubt, { kind: "went_beyond", otherwise, upTo: 20 })).toEqual({ kind: "proved", upTo: 20 });
    expect(decide(doubt, { kind: "went_beyond", otherwise, upTo: undefined })).toMatchObject({ why: "arrived" });
  });

  test("and again after all that is kept went out: a new session, with an alarm", () => {
    const heard = { kind: "resent", retry: false, verdict: { kind: "out_of_order" } } as const;
    expect(decide(doubt, heard)).toEqual({ kind: "open", suspect: true, unexplained: true });
    expect(decide(doubt, { ...heard, retry: true })).toMatchObject({ kind: "look", why: "order" });
  });
});

describe("another broker leads", () => {
  test.each<[string, Found, Partial<Step>]>([
    ["and has all", log(9), { kind: "send" }],
    ["and has less", log(5), { kind: "resend", from: 6 }],
    ["and something else stands at the mark", log("replaced"), { kind: "resend", from: 0 }],
    ["and its log is empty", log("empty"), { kind: "resend", from: "empty" }],
    ["and has nothing there", log("unsure"), { kind: "resend", from: 0 }],
    ["and has it, but has forgotten the producer", log("forgotten"), { kind: "send" }],
    ["and we may not ask", unknown, { kind: "send" }],
    ["and we may not ask, but its log is empty", { ...unknown, cutTo: 0 }, { kind: "resend", from: "empty" }],
    [
      "and we may not ask, but its log is shorter",
      { ...unknown, cutTo: 5 },
      { kind: "resend_all", from: 3, retry: false },
    ],
  ])("%s", (_, found, step) => {
    expect(decide(known, { kind: "found", look: { kind: "look", why: "leader" }, found })).toMatchObject(step);
  });

  const leader = { kind: "look", why: "leader" } as const;

  test("and has all that was acknowledged: a hole of ours before the batch is no loss", () => {
    const behindHole = { ...known, acknowledged: 6, session: "other" } as const;
    expect(decide(behindHole, { kind: "found", look: leader, found: log(5) })).toMatchObject({ kind: "open" });
    expect(decide(behindHole, { kind: "found", look: leader, found: log(4) })).toEqual({ kind: "resend", from: 5 });
  });

  test.each<[string, Known]>([
    ["the session begins with the batch", { ...known, sessionFirst: 10 }],
    ["the broker may have forgotten the producer", { ...known, mayBeForgotten: true }],
    ["the session is closed", { ...known, session: "other" }],
  ])("a shorter log that we may not read, and %s: the answer to the batch tells", (_, given) => {
    const step = decide(given, { kind: "found", look: leader, found: { ...unknown, cutTo: 5 } });
    expect(["send", "open"]).toContain(step.kind);
  });
});
