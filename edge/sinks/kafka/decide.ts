/**
 * What to do next with a batch: a pure function from what is known and what was heard last to the next step. Its cases
 * are the tables of DESIGN.md in this folder; `lane.ts` does the steps and tells what came of each.
 *
 * Only two things prove that a batch is delivered: a success with acks=all, to it or to a later one of the same session,
 * and the batch read back below the high watermark. What a leader says it has is no proof: it may lose it with its
 * leadership.
 */
import type { Code } from "../../../shared/errors/codes.ts";
import type { Found } from "./look-up.ts";
import type { Standing } from "./session.ts";
import type { Verdict } from "./verdict.ts";

/** What is known of the batch at hand before a step. */
export interface Known {
  readonly first: number;
  /** The number behind its last. */
  readonly end: number;
  /** It can be cut in two: it has more than one record. */
  readonly divisible: boolean;
  /** It may have been sent before. */
  readonly inDoubt: boolean;
  /** It may be there twice once it is taken, and nobody can tell. */
  readonly suspect: boolean;
  /** The broker may have forgotten the producer since. */
  readonly mayBeForgotten: boolean;
  readonly session: Standing;
  /** The batch follows the last one under the session, without a hole. */
  readonly continues: boolean;
  /** Sending again what the log lost, from this number on, was broken off before it came to this batch. */
  readonly resendFrom: number | undefined;
  /** Number that begins the session, and has sequence 0; 0 without one. */
  readonly sessionFirst: number;
  /** All below is acknowledged; the first batch's number where nobody knows more. */
  readonly acknowledged: number;
  /** Another broker leads than the one that answered last, or it was started anew, or it led again meanwhile. */
  readonly leaderIsNew: boolean;
  /** A batch that came damaged may be tried again. */
  readonly triesLeft: boolean;
}

/** What came of the last step. */
export type Heard =
  | { readonly kind: "begin" }
  | { readonly kind: "found"; readonly look: Look; readonly found: Found }
  | { readonly kind: "opened" }
  | {
      readonly kind: "answered";
      readonly verdict: Verdict;
      /** As it was before this send. */
      readonly inDoubt: boolean;
      /** The answer's offset lies below that of the last acknowledged batch. */
      readonly belowMark: boolean;
    }
  /** `upTo`: a later batch was taken, and this is its last number. */
  | { readonly kind: "went_beyond"; readonly otherwise: Step; readonly upTo: number | undefined }
  /** What was lost went out again, and then this one, which got this answer. */
  | { readonly kind: "resent"; readonly retry: boolean; readonly verdict: Verdict }
  | { readonly kind: "repaired" };

/** Why the log is looked at. */
export type Look =
  /** Another broker leads: does it have what was acknowledged? */
  | { readonly kind: "look"; readonly why: "leader" }
  /** What the log lost was being sent again, from this number on: how far did that get? */
  | { readonly kind: "look"; readonly why: "broken_off"; readonly from: number }
  /** In doubt for as long as the broker remembers: a repeat would not be recognised. */
  | { readonly kind: "look"; readonly why: "age" }
  /** 45: where does the log stand? */
  | { readonly kind: "look"; readonly why: "order"; readonly inDoubt: boolean }
  /** Has the batch, in doubt, arrived? If not: `otherwise`; `blind`: that may make it a repeat where we may not look. */
  | {
      readonly kind: "look";
      readonly why: "arrived";
      readonly otherwise: Step;
      readonly blind: "suspect" | "harmless";
    };

/** What to do next: a step on the way, or the last one. */
export type Step =
  | Look
  /** A new session; `suspect`: the batch may be there under another one; `unexplained`: nobody knows why it is needed. */
  | { readonly kind: "open"; readonly suspect: boolean; readonly unexplained?: true }
  /** The bytes, under the session. */
  | { readonly kind: "send" }
  /** The batches behind it, until one is taken, which proves this one. */
  | { readonly kind: "go_beyond"; readonly otherwise: Step }
  /** The log ends before `from`: what is kept from there on, and then the batch. `empty`: all that is kept of what went there. */
  | { readonly kind: "resend"; readonly from: number | "empty" }
  /** The same where nobody says where it ends: all that is kept of the session from there on; what it has it refuses. */
  | { readonly kind: "resend_all"; readonly from: number; readonly retry: boolean }
  /** The batch was taken by a log that has lost all before it: the kept ones before it, in a session of their own. */
  | { readonly kind: "repair" }
  | Last;

/** How a delivery ends. */
export type Last =
  /** It was answered. */
  | { readonly kind: "succeed" }
  /** The log has everything up to this number. */
  | { readonly kind: "proved"; readonly upTo: number }
  /** It was settled before: by a process whose acknowledgement was lost. */
  | { readonly kind: "settled" }
  | { readonly kind: "split" }
  | { readonly kind: "refuse"; readonly reason: string }
  | { readonly kind: "fence"; readonly reason: string }
  /** Again later. `absent`: this send was its only one, and the log has not taken it. */
  | { readonly kind: "again"; readonly code: Code; readonly reason: string; readonly absent: boolean };

const newerEpoch: Last = { kind: "fence", reason: "the broker knows a newer epoch of this producer" };
/** What an answer means that says another process writes with our identity. */
export const fencedByAnswer: Extract<Last, { readonly kind: "fence" }> = {
  kind: "fence",
  reason: "the broker answered that a newer epoch of this producer writes",
};
const onlyLeader = again("the leader has it, but its followers do not yet");

/** The next step. */
export function decide(known: Known, heard: Heard): Step {
  switch (heard.kind) {
    case "begin":
      return begin(known);
    case "found":
      return heard.found.kind === "fenced" ? newerEpoch : afterLook(known, heard.look, heard.found);
    case "opened":
      return { kind: "send" };
    case "answered":
      return afterAnswer(known, heard);
    case "went_beyond":
      return heard.upTo === undefined ? heard.otherwise : { kind: "proved", upTo: heard.upTo };
    case "resent":
      return afterResend(known, heard);
    case "repaired":
      return { kind: "settled" };
  }
}

function begin(known: Known): Step {
  switch (known.session) {
    case "begins_behind":
      return { kind: "settled" };
    case "repairs":
      return { kind: "repair" };
    case "covers":
      if (known.resendFrom !== undefined) return { kind: "look", why: "broken_off", from: known.resendFrom };
      return known.leaderIsNew ? { kind: "look", why: "leader" } : toSend(known);
    case "other":
      return known.leaderIsNew && !known.inDoubt ? { kind: "look", why: "leader" } : toSend(known);
    case "none":
      return toSend(known);
  }
}

/** It keeps its numbers when it is in doubt, and begins a session only when it is not, or when there is none to go on in. */
function toSend(known: Known): Step {
  if (known.inDoubt) {
    if (known.session !== "covers") return { kind: "open", suspect: true };
    return known.mayBeForgotten && !known.suspect ? { kind: "look", why: "age" } : { kind: "send" };
  }
  return known.session === "covers" && known.continues ? { kind: "send" } : { kind: "open", suspect: false };
}

function afterLook(known: Known, look: Look, found: Exclude<Found, { readonly kind: "fenced" }>): Step {
  switch (look.why) {
    case "leader":
      return afterElection(known, found);
    case "broken_off":
      if (found.kind === "unknown") return { kind: "resend_all", from: look.from, retry: true };
      return afterElection(known, typeof found.leader === "number" ? found : { ...found, leader: "replaced" });
    case "age":
      return arrived(known, found) ?? { kind: "send" };
    case "order":
      return outOfOrder(known, look.inDoubt, found);
    case "arrived":
      return arrived(known, found) ?? look.otherwise;
  }
}

/** Undefined: it has not, as far as we may look. */
function arrived(known: Known, found: Exclude<Found, { readonly kind: "fenced" }>): Last | undefined {
  if (found.kind === "unknown") return undefined;
  if (found.committed !== undefined && found.committed >= known.end - 1) {
    return { kind: "proved", upTo: found.committed };
  }
  // New numbers, or waiting until the producer is forgotten, would make it a repeat when the followers catch up.
  return typeof found.leader === "number" && found.leader >= known.end - 1 ? onlyLeader : undefined;
}

function afterElection(known: Known, found: Exclude<Found, { readonly kind: "fenced" }>): Step {
  if (found.kind === "unknown") return afterCut(known, found.cutTo);
  if (found.leader === "empty") return { kind: "resend", from: "empty" };
  if (found.leader === "replaced") return { kind: "resend", from: 0 };
  // It hands out nothing there and does not know the producer, which it would if it had the batch and was not so old.
  if (found.leader === "unsure") return known.mayBeForgotten ? toSend(known) : { kind: "resend", from: 0 };
  // What lies between the acknowledged and the batch is a hole of ours, or settled otherwise: no loss of the log's.
  if (typeof found.leader === "number" && found.leader < known.acknowledged - 1) {
    return { kind: "resend", from: found.leader + 1 };
  }
  return toSend(known);
}

/** We may not read the log, but it ends below what it acknowledged. What is kept goes out before the batch, so that order is kept. */
function afterCut(known: Known, cutTo: number | undefined): Step {
  if (cutTo === undefined) return toSend(known);
  if (cutTo === 0) return { kind: "resend", from: "empty" };
  // It may have a part: it refuses that, as long as it remembers. Else the answer to the batch tells (below the mark).
  const refuses = known.session === "covers" && !known.mayBeForgotten && known.sessionFirst < known.first;
  return refuses ? { kind: "resend_all", from: known.sessionFirst, retry: false } : toSend(known);
}

function outOfOrder(known: Known, inDoubt: boolean, found: Exclude<Found, { readonly kind: "fenced" }>): Step {
  if (found.kind === "unknown") {
    const all = { kind: "resend_all", from: known.sessionFirst, retry: false } as const;
    return inDoubt ? { kind: "go_beyond", otherwise: all } : all;
  }
  const { leader } = found;
  if (typeof leader !== "number") return again("the broker does not know the producer any more that it spoke of");
  if (leader >= known.end - 1) {
    if (!inDoubt) return { kind: "fence", reason: `the log has number ${leader}, which was never sent from here` };
    const otherwise = { kind: "look", why: "arrived", otherwise: onlyLeader, blind: "harmless" } as const;
    return { kind: "go_beyond", otherwise };
  }
  // The log has a part of it: it was cut differently once. The rest cannot go out under these numbers.
  if (leader >= known.first) return { kind: "open", suspect: true };
  return { kind: "resend", from: leader + 1 };
}

function afterResend(known: Known, { verdict, retry }: Extract<Heard, { readonly kind: "resent" }>): Step {
  if (verdict.kind === "appended") return { kind: "succeed" };
  if (verdict.kind === "fenced") return fencedByAnswer;
  if (verdict.kind !== "out_of_order") return again(`sent again what was lost, and then this: ${verdict.kind}`);
  // What had begun does not fit any more: it is asked about afresh.
  if (retry) return { kind: "look", why: "order", inDoubt: known.inDoubt };
  return { kind: "open", suspect: known.inDoubt, unexplained: true };
}

function afterAnswer(known: Known, heard: Extract<Heard, { readonly kind: "answered" }>): Step {
  const { verdict, inDoubt, belowMark } = heard;
  switch (verdict.kind) {
    case "appended":
      return belowMark ? { kind: "repair" } : { kind: "succeed" };
    case "duplicate": {
      const otherwise = {
        kind: "go_beyond",
        otherwise: again("the broker has it, but does not say for good"),
      } as const;
      return { kind: "look", why: "arrived", otherwise, blind: "harmless" };
    }
    case "out_of_order":
      return { kind: "look", why: "order", inDoubt };
    case "fenced":
      return fencedByAnswer;
    case "unknown":
      return again(verdict.reason);
    case "later":
      return { kind: "again", code: verdict.code, reason: verdict.reason, absent: !inDoubt };
    case "refused":
      if (verdict.corrupt && known.triesLeft) return { ...again(verdict.reason), absent: !inDoubt };
      return unlessArrived({ kind: "refuse", reason: verdict.reason }, inDoubt);
    case "too_large":
      return unlessArrived(
        known.divisible ? { kind: "split" } : { kind: "refuse", reason: "a record is too large for its topic" },
        inDoubt,
      );
    case "forgotten":
      // It begins at 0 already, and a new session would be answered the same, for ever and without a pause.
      if (known.sessionFirst === known.first) return again(verdict.reason);
      return unlessArrived({ kind: "open", suspect: false }, inDoubt);
    case "timestamp":
      return again("an attempt ended with a time stamp refused");
  }
}

/** Before a batch in doubt is cut, refused or renumbered: an earlier send of it may have arrived. */
function unlessArrived(otherwise: Step, inDoubt: boolean): Step {
  return inDoubt ? { kind: "look", why: "arrived", otherwise, blind: "suspect" } : otherwise;
}

function again(reason: string): Extract<Last, { readonly kind: "again" }> {
  return { kind: "again", code: "KAFKA_UNKNOWN_OUTCOME", reason, absent: false };
}
