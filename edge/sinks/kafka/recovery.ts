/**
 * What the lane does when the log is not where it was left: finds the place where it goes on, and sends again what it has
 * lost from the batches that are still kept. All of it may be broken off at any time and is begun anew then.
 */
import { invariant } from "../../../shared/errors/invariant.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import { splitBatch } from "../../core/split-batch.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { type Attempt, type Delivering, notAppended, type Target } from "./attempt.ts";
import { untracedBytesMax } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import type { Place } from "./place.ts";
import { covers, endOf, type Session } from "./session.ts";
import { reportRepeat, signals } from "./telemetry.ts";

/** What recovery needs of the lane. */
export interface Hands {
  /** Sends this batch, which may be another than the one in delivery, under the session of the place. */
  send(batch: StoredBatch, at: Delivering): Promise<Attempt>;
  /** A session that begins with this batch. `repair`: only to send again what was lost before the one in delivery. */
  open(batch: StoredBatch, at: Delivering, how?: "repair"): Promise<Session>;
}

/** What of the line went out, and its answer. */
interface Sent {
  readonly piece: StoredBatch;
  readonly sent: Attempt;
}

export class Recovery {
  constructor(
    private readonly notes: LaneNotes,
    private readonly tools: LaneTools,
    private readonly place: Place,
    private readonly hands: Hands,
  ) {}

  /**
   * A batch in doubt was answered with 45, and the broker remembers only the last batches it took. Sends the ones behind
   * it, in order, until one is taken: a log that knows the producer takes a batch only right behind the one before, so it
   * has all of them, and what lies before something committed is committed. Undefined: none was taken.
   */
  async goBeyond(at: Delivering): Promise<StoredBatch | undefined> {
    const session = this.place.used();
    let bytes = at.batch.bytes.length;
    let before = at.batch;
    // One batch more than can have been sent: the first unsent one is taken, or the log is not ours.
    while (bytes <= untracedBytesMax + before.bytes.length) {
      const later = this.notes.next(before);
      if (later === undefined || later.first !== endOf(before) || !covers(session, later)) return undefined;
      this.notes.lease(later);
      const { verdict, answer } = await this.hands.send(later, at);
      if (verdict.kind === "appended") return this.place.isBelowMark(answer.baseOffset) ? undefined : later;
      if (verdict.kind === "unknown" || verdict.kind === "later") throw notAppended(later, at.target, verdict.kind);
      // One that is refused for itself proves nothing, and waiting for it would be for ever.
      if (verdict.kind !== "out_of_order" && verdict.kind !== "duplicate") return undefined;
      bytes += later.bytes.length;
      before = later;
    }
    return undefined;
  }

  /**
   * The log ends before `from`, by what its leader says: sends again what is kept and then the batch itself, under the old
   * numbers where they fit. What is not kept any more is counted once the rest is committed by somebody.
   */
  async resend(from: number | "empty", at: Delivering): Promise<Attempt> {
    const { batch, target } = at;
    const known = this.place.used();
    const start = from === "empty" ? known.hereFirst : Math.max(from, known.producerFirst);
    const kept = keptBetween(this.notes, start, batch.first);
    const first = kept[0] ?? batch;
    const fits = first.first === start && start >= known.first;
    const session = fits ? known : await this.hands.open(first, at);
    this.place.noteCut(at, first.first);
    const left = kept.length === 0 ? [batch] : [...kept, batch];
    let sent = await this.mustAppend(left, at);
    this.count(start, first.first - start, target);
    this.countEarlier(first, sent, session, target);
    if (from === "empty" || from === 0) this.beginHere(first, at);
    while (left[0] !== undefined) {
      if (isRefused(sent)) await this.hands.open(left[0], at);
      sent = await this.mustAppend(left, at);
    }
    if (kept.length > 0) this.tools.telemetry.report(signals.resentLost, this.where(target, first.first, batch));
    return sent;
  }

  /**
   * Nobody says where the log ends, or sending again was broken off: all that is kept of the session from `from` on goes
   * out in order, and then the batch. The log refuses what it has (45) and takes what follows it. Answers the last send: the
   * batch's, which is refused too when the log ends before what is kept.
   */
  async resendAll(from: number, at: Delivering): Promise<Attempt> {
    const { batch, target } = at;
    const session = this.place.used();
    const kept = keptBetween(this.notes, Math.max(from, session.first), batch.first);
    const [first] = kept;
    if (first !== undefined) this.place.noteCut(at, first.first);
    let again = 0;
    let refused: StoredBatch | undefined;
    for (const left = [...kept]; left.length > 0; ) {
      const { piece, sent } = await this.mustPass(left, at);
      this.countEarlier(piece, sent, session, target);
      if (sent.verdict.kind === "appended") again += piece.count;
      // The log may have it: then it takes what follows.
      if (isRefused(sent)) refused = piece;
      else if (sent.verdict.kind === "appended") refused = undefined;
    }
    let sent = await this.hands.send(batch, at);
    if (refused !== undefined && sent.verdict.kind === "out_of_order") sent = await this.resendBehind(refused, at);
    // A producer that the log does not know: whether it had a part of them before, it could not tell any more.
    if (this.place.used().producerId !== session.producerId) this.reportRepeat(batch.first - again, again);
    if (again > 0 && sent.verdict.kind === "appended") {
      this.tools.telemetry.report(signals.resentLost, this.where(target, batch.first - again, batch));
    }
    return sent;
  }

  /**
   * The log takes nothing that follows this kept batch, and the topic does not take it any more: it is lost. Whether the log
   * has what lies between it and the batch at hand, nobody says: that goes out in a session of its own and may be there twice.
   */
  private async resendBehind(refused: StoredBatch, at: Delivering): Promise<Attempt> {
    const { batch, target } = at;
    this.count(refused.first, refused.count, target);
    const left = [...keptBetween(this.notes, endOf(refused), batch.first), batch];
    let sent: Attempt | undefined;
    while (left[0] !== undefined) {
      if (sent === undefined || isRefused(sent)) await this.hands.open(left[0], at);
      sent = await this.mustAppend(left, at);
    }
    this.reportRepeat(endOf(refused), batch.first - endOf(refused));
    return sent ?? (await this.hands.send(batch, at));
  }

  /**
   * The batch was taken at an offset below the last acknowledged one's: by a log that was reset and does not know the
   * producer, so that all that was sent under it before is gone. The batch stands now, and cannot go out a second time:
   * the kept ones before it follow it, in a session of their own whose row says so. After a crash in the middle they go
   * out again under the same numbers. Answers the last of these sends; undefined when nothing had to be sent.
   *
   * The first batch of a session is taken by a log that knows the producer too, so it only tells how many records are
   * gone: `gone`, others' among them. That many go out again, and may be there twice.
   */
  async repair(at: Delivering, gone: number): Promise<Attempt | undefined> {
    const { batch, target } = at;
    const known = this.place.used();
    const broken = known.takenBelow !== undefined;
    const begins = known.first === batch.first;
    const start = broken ? known.first : begins ? Math.max(known.hereFirst, batch.first - gone) : known.producerFirst;
    const kept = keptBetween(this.notes, start, batch.first);
    const [first] = kept;
    if (!broken) this.count(start, (first?.first ?? batch.first) - start, target);
    if (!broken && !begins) this.beginHere(first ?? batch, at);
    if (first === undefined) {
      this.place.noteCut(at, undefined);
      return undefined;
    }
    if (!broken) await this.hands.open(first, at, "repair");
    this.place.noteCut(at, undefined);
    let sent: Attempt | undefined;
    for (const left = [...kept]; left[0] !== undefined; ) {
      if (sent !== undefined && isRefused(sent)) await this.hands.open(left[0], at, "repair");
      const passed = await this.mustPass(left, at);
      sent = passed.sent;
      if (isRefused(sent)) this.count(passed.piece.first, passed.piece.count, target);
    }
    if (begins && !broken) this.reportRepeat(first.first, batch.first - first.first);
    const where = this.where(target, first.first, batch);
    const whole = sent !== undefined && (sent.verdict.kind === "appended" || isRefused(sent));
    this.tools.telemetry.report(whole ? signals.resentLost : signals.unexplained, where);
    return whole ? sent : undefined;
  }

  /** The first of the line has to be taken; a kept one that the topic refuses for good is counted, and leaves a hole. */
  private async mustAppend(left: StoredBatch[], at: Delivering): Promise<Attempt> {
    const { piece, sent } = await this.sendNext(left, at);
    if (sent.verdict.kind === "appended") return sent;
    if (piece === at.batch || !isRefused(sent)) throw notAppended(piece, at.target, sent.verdict.kind);
    this.count(piece.first, piece.count, at.target);
    return sent;
  }

  /** It may be there already: of repeats only the last few are recognised, older ones are refused. */
  private async mustPass(left: StoredBatch[], at: Delivering): Promise<Sent> {
    const next = await this.sendNext(left, at);
    const { kind } = next.sent.verdict;
    if (kind === "appended" || kind === "out_of_order" || kind === "duplicate" || isRefused(next.sent)) return next;
    throw notAppended(next.piece, at.target, kind);
  }

  /**
   * Takes the first of the line and sends it. The topic may take less at once than it did: of what is too large now, a
   * half goes out in its place, under the same numbers, and the other one is next.
   */
  private async sendNext(left: StoredBatch[], at: Delivering): Promise<Sent> {
    for (;;) {
      const piece = left.shift();
      invariant(piece !== undefined, "there is something left to send");
      const sent = await this.hands.send(piece, at);
      const divisible = piece.kind === "records" && piece.count > 1 && piece !== at.batch;
      if (sent.verdict.kind !== "too_large" || !divisible) return { piece, sent };
      left.unshift(...splitBatch(piece).map((half) => ({ ...half, id: piece.id })));
    }
  }

  /** Nothing of ours stands before this batch any more, and what was lost there is counted: once. */
  private beginHere({ first }: StoredBatch, { target }: Delivering): void {
    this.place.store({ ...this.place.used(), producerFirst: first, hereFirst: first }, target.destination);
  }

  private reportRepeat(first: number, count: number): void {
    reportRepeat(this.tools.telemetry.report, this.notes.lane, first, count);
  }

  private count(from: number, records: number, { destination }: Target): void {
    if (records <= 0) return;
    const { stream } = this.notes.lane;
    this.tools.telemetry.report(signals.lostByBroker, { stream, topic: destination.topic, from, records });
  }

  /**
   * The session's first batch stands where the log had others before the session began: what earlier sessions sent is gone
   * too, and how much of it nobody says. Counted is what it can be at most; others' records may be among it.
   */
  private countEarlier(batch: StoredBatch, { verdict, answer }: Attempt, session: Session, target: Target): void {
    const { first, hereFirst, logEnd = 0 } = session;
    if (batch.first !== first || verdict.kind !== "appended" || answer.baseOffset < 0) return;
    this.count(hereFirst, Math.min(logEnd - answer.baseOffset, first - hereFirst), target);
  }

  private where({ destination }: Target, from: number, batch: StoredBatch) {
    return { stream: this.notes.lane.stream, topic: destination.topic, from, records: batch.first - from };
  }
}

/** The topic does not take it as it is, and never will: its rules are others than when it took it. */
function isRefused({ verdict }: Attempt): boolean {
  return verdict.kind === "too_large" || (verdict.kind === "refused" && !verdict.corrupt);
}

/** Kept batches that end where `to` begins, without a hole between them, from `from` on; oldest first. */
function keptBetween(notes: LaneNotes, from: number, to: number): readonly StoredBatch[] {
  const kept: StoredBatch[] = [];
  for (let next = to; next > from; ) {
    const batch = notes.kept(next - 1);
    if (batch === undefined || batch.kind !== "records" || batch.first < from || endOf(batch) !== next) break;
    kept.push(batch);
    next = batch.first;
  }
  return kept.reverse();
}

/** The number behind the last batch that the process before may have sent without a trace, this one included. */
export function untracedBelow(notes: LaneNotes, batch: StoredBatch): number {
  let last = batch;
  for (let bytes = batch.bytes.length; bytes <= untracedBytesMax; bytes += last.bytes.length) {
    const next = notes.next(last);
    if (next === undefined) break;
    last = next;
  }
  return endOf(last);
}
