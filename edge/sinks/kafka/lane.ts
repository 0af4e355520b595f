/**
 * Delivers one lane's batches into one partition, each exactly once, one in flight. DESIGN.md in this folder has the
 * states and every answer of a broker.
 *
 * The lane always knows whether the batch at hand may have been sent before ("in doubt"). A batch in doubt keeps its
 * numbers: it is looked up, or sent again as it is, and the broker recognises the repeat. Only a batch that is not in
 * doubt may begin a new session.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivery, LaneDelivery } from "../../core/sink.ts";
import { splitBatch } from "../../core/split-batch.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { type Attempt, attempt, describe, notAppended, type Target } from "./attempt.ts";
import { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { type Found, lookUp } from "./look-up.ts";
import { formatMark, markOf } from "./mark.ts";
import { openSession } from "./open-session.ts";
import { orAbort } from "./or-abort.ts";
import { Place } from "./place.ts";
import { keptBetween, sendBeyond, untracedBelow } from "./recovery.ts";
import { covers, endOf, type Session } from "./session.ts";
import { Suspicion } from "./suspicion.ts";
import { signals } from "./telemetry.ts";

/** A batch that arrived damaged may have been damaged on the way: this often it is tried before it is refused. */
const corruptTriesMax = 3;

export class KafkaLane implements LaneDelivery {
  private readonly doubt: Doubt;
  private readonly place: Place;
  private readonly suspicion: Suspicion;
  /** Everything below is in the log. */
  private provedBelow = 0;
  /** The number that continues the session; undefined after a start. */
  private expected: number | undefined;
  /** What was in doubt at the start has been looked up, as far as that is allowed. */
  private lookedUp = false;
  private corruptTries = 0;
  private failed: AppError | undefined;
  private busy = false;

  constructor(
    private readonly notes: LaneNotes,
    private readonly tools: LaneTools,
  ) {
    this.doubt = new Doubt(notes.seqAtStart, tools.context.clock);
    this.place = new Place(notes, tools, this.doubt);
    this.suspicion = new Suspicion(notes, tools, this.doubt);
  }

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    // A refused first batch followed by an accepted next one would be a hole that nobody refuses.
    invariant(!this.busy, "a lane has one batch in flight");
    this.busy = true;
    try {
      return await this.deliverOne(batch, signal);
    } catch (thrown) {
      if (thrown instanceof AppError) {
        this.tools.telemetry.metrics.retry(thrown.code);
        if (thrown.code === "KAFKA_CLUSTER_CHANGED") this.tools.topics.forgetAll();
        else this.tools.topics.forget(this.notes.lane.group);
      }
      throw thrown;
    } finally {
      this.busy = false;
    }
  }

  /** For the status page. */
  status(): Readonly<Record<string, unknown>> {
    const { destination, session } = this.place;
    const { stream, number, group: topic } = this.notes.lane;
    return {
      stream,
      lane: number,
      topic,
      partition: destination?.partition,
      producer: session === undefined ? undefined : `${session.producerId}.${session.producerEpoch}`,
      failed: this.failed?.code,
    };
  }

  private async deliverOne(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    if (this.failed !== undefined) throw this.failed;
    const end = endOf(batch);
    if (end <= this.provedBelow) return this.proved(batch, this.provedBelow - 1);
    this.doubt.delivering(batch);
    const target = await this.place.reach(signal);
    const { session } = this.place;
    if (target.moved) {
      this.expected = undefined;
      if (session !== undefined && session.suspectBelow > batch.first) this.suspicion.raise(session.suspectBelow);
    }
    // A session begins only when all before it is settled: this one's acknowledgement was lost in a crash.
    if (session !== undefined && end <= session.first) return this.deliveredBefore();

    const inDoubt = this.inDoubt(batch);
    if (inDoubt && session !== undefined && covers(session, batch)) {
      const found = await this.look(batch, session, target, signal);
      if (found?.kind === "fenced") throw this.fence("the broker knows a newer epoch of this producer");
      if (found?.kind === "up_to" && found.number >= end - 1) return this.proved(batch, found.number);
      return await this.send(batch, session, target, inDoubt, signal);
    }
    if (inDoubt) this.suspicion.raise(end);
    const under = this.continues(batch) ?? (await this.open(batch, target, signal));
    return await this.send(batch, under, target, false, signal);
  }

  /** The session, when a batch that was never sent can go on under it. */
  private continues(batch: StoredBatch): Session | undefined {
    const { expected } = this;
    const { session } = this.place;
    if (session === undefined || !covers(session, batch)) return undefined;
    if (expected !== undefined && expected !== batch.first) return undefined;
    return this.doubt.mayBeForgotten(this.tools.producerIdExpirationMs) ? undefined : session;
  }

  private inDoubt(batch: StoredBatch): boolean {
    if (!this.doubt.has(batch)) return false;
    const { session } = this.place;
    if (session === undefined || session.fenced) return true;
    // A marker has a session of its own, and a session that was closed at this number was closed before it was sent.
    return (batch.kind === "shed") === session.marker && batch.first < (session.until ?? Number.POSITIVE_INFINITY);
  }

  private async send(
    batch: StoredBatch,
    session: Session,
    target: Target,
    inDoubt: boolean,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { sent, dispelled } = await this.suspicion.hear(this.attempt(batch, session, target, signal));
    if (dispelled) this.place.store({ ...session, suspectBelow: 0 }, target.destination);
    const { verdict } = sent;
    switch (verdict.kind) {
      case "appended":
        return this.succeed(batch, session, sent, inDoubt);
      case "out_of_order":
        return await this.outOfOrder(batch, session, target, inDoubt, signal);
      case "fenced":
        throw this.fence("the broker answered that a newer epoch of this producer writes");
      case "unknown":
        throw new AppError("KAFKA_UNKNOWN_OUTCOME", `${describe(batch, target)}: ${verdict.reason}`);
      case "later":
        if (!inDoubt) this.doubt.takeBack(batch);
        throw new AppError(verdict.code, `${describe(batch, target)}: ${verdict.reason}`);
      case "refused":
        if (verdict.corrupt && ++this.corruptTries < corruptTriesMax) {
          if (!inDoubt) this.doubt.takeBack(batch);
          throw new AppError("KAFKA_UNKNOWN_OUTCOME", `${describe(batch, target)}: ${verdict.reason}`);
        }
        if (inDoubt && (await this.isThere(batch, session, target, signal)))
          return this.proved(batch, endOf(batch) - 1);
        return this.refuse(batch, target, verdict.reason);
      case "too_large":
        if (inDoubt && (await this.isThere(batch, session, target, signal)))
          return this.proved(batch, endOf(batch) - 1);
        return this.tooLarge(batch, target);
      case "forgotten":
        if (inDoubt && (await this.isThere(batch, session, target, signal)))
          return this.proved(batch, endOf(batch) - 1);
        return await this.sendAnew(batch, target, signal);
      case "timestamp":
        throw new AppError("INVARIANT", "an attempt never ends with a time stamp refused");
    }
  }

  private attempt(batch: StoredBatch, session: Session, target: Target, signal: AbortSignal): Promise<Attempt> {
    return attempt(batch, session, target, this.doubt, this.tools, signal);
  }

  private succeed(batch: StoredBatch, session: Session, sent: Attempt, inDoubt: boolean): Delivery {
    const { baseOffset, appendTimeMs } = sent.answer;
    const brokerTimeMs = appendTimeMs < 0 ? undefined : appendTimeMs;
    this.suspicion.count(batch, brokerTimeMs);
    this.doubt.settled(batch, { once: !inDoubt, brokerTimeMs });
    this.tools.telemetry.metrics.batches.add(1);
    this.expected = endOf(batch);
    this.corruptTries = 0;
    const records = batch.kind === "shed" ? 1 : batch.count;
    this.place.mark = {
      producerId: session.producerId,
      producerEpoch: session.producerEpoch,
      offset: baseOffset < 0 ? -1 : baseOffset + records - 1,
      brokerTimeMs: this.doubt.sinceBrokerMs,
      at: this.doubt.since,
    };
    return { kind: "delivered", mark: formatMark(this.place.mark) };
  }

  /** The log has it, though nobody answered for it; it may have more. */
  private proved(batch: StoredBatch, upTo: number): Delivery {
    if (upTo >= this.doubt.below) throw this.fence(`the log has number ${upTo}, which was never sent from here`);
    this.provedBelow = Math.max(this.provedBelow, upTo + 1);
    this.doubt.settled(batch, { once: false, brokerTimeMs: undefined });
    this.expected = endOf(batch);
    this.suspicion.count(batch, undefined);
    this.tools.telemetry.metrics.repeats.add(1);
    return this.deliveredBefore();
  }

  /** Where it stands is not known: a later look-up begins behind the mark there was, and its age is not renewed. */
  private deliveredBefore(): Delivery {
    const { mark } = this.notes;
    return mark === undefined ? { kind: "delivered" } : { kind: "delivered", mark };
  }

  /** Asks what the log has, after a start and when the broker may have forgotten; undefined: no need. */
  private async look(
    batch: StoredBatch,
    session: Session,
    target: Target,
    signal: AbortSignal,
  ): Promise<Found | undefined> {
    const mayBeForgotten = this.doubt.mayBeForgotten(this.tools.producerIdExpirationMs);
    if (this.suspicion.has(batch) || (this.lookedUp && !mayBeForgotten)) return undefined;
    const found = await this.ask(batch, session, target, mayBeForgotten, signal);
    this.lookedUp = true;
    if (found.kind !== "unknown") this.doubt.absent();
    else if (mayBeForgotten) {
      this.suspicion.raiseForAge(Math.min(this.doubt.below, untracedBelow(this.notes, batch)));
      this.place.store({ ...session, suspectBelow: this.suspicion.below }, target.destination);
    }
    return found;
  }

  private async ask(
    batch: StoredBatch,
    session: Session,
    target: Target,
    mayBeForgotten: boolean,
    signal: AbortSignal,
  ): Promise<Found> {
    const { link, telemetry } = this.tools;
    const { topic, partition } = target.destination;
    telemetry.metrics.lookUps.add(1);
    const mark = markOf(this.place.mark, session);
    const question = { session, node: target.node, topic, partition, near: batch.first, mark, mayBeForgotten };
    const found = await orAbort(lookUp(link, question), signal);
    const upTo = found.kind === "up_to" ? found.number : undefined;
    telemetry.report(signals.lookedUp, { topic, partition, first: batch.first, found: found.kind, upTo });
    return found;
  }

  /** Before a batch in doubt is cut, refused or renumbered: whether an earlier send of it has arrived. */
  private async isThere(batch: StoredBatch, session: Session, target: Target, signal: AbortSignal): Promise<boolean> {
    const found = await this.ask(batch, session, target, true, signal);
    if (found.kind === "fenced") throw this.fence("the broker knows a newer epoch of this producer");
    if (found.kind === "unknown") this.suspicion.raise(endOf(batch));
    return found.kind === "up_to" && found.number >= endOf(batch) - 1;
  }

  /** 45. The broker remembers the producer, but what it has last is not the record before this batch. */
  private async outOfOrder(
    batch: StoredBatch,
    session: Session,
    target: Target,
    inDoubt: boolean,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const found = await this.ask(batch, session, target, false, signal);
    const end = endOf(batch);
    if (found.kind === "fenced") throw this.fence("the broker knows a newer epoch of this producer");
    if (found.kind === "unknown") {
      const send = (each: StoredBatch) => this.attempt(each, session, target, signal);
      const beyond = inDoubt ? await sendBeyond(batch, session, this.notes, send) : undefined;
      if (beyond === undefined) return await this.resendUntold(batch, session, target, inDoubt, signal);
      this.tools.telemetry.report(signals.provedByLater, { first: batch.first, later: beyond.first });
      return this.proved(batch, endOf(beyond) - 1);
    }
    const upTo = found.kind === "up_to" ? found.number : session.first - 1;
    if (upTo >= end - 1) {
      if (inDoubt) return this.proved(batch, upTo);
      throw this.fence(`the log has number ${upTo}, which was never sent from here`);
    }
    if (upTo >= batch.first) {
      // The log has a part of it: it was cut differently once. The rest cannot go out under these numbers.
      this.suspicion.raise(end);
      return await this.sendAnew(batch, target, signal);
    }
    return await this.resend(upTo + 1, batch, session, target, inDoubt, signal);
  }

  /** The broker lost what it had acknowledged from `from` on: sends again what is still kept, under the old numbers. */
  private async resend(
    from: number,
    batch: StoredBatch,
    session: Session,
    target: Target,
    inDoubt: boolean,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const { report } = this.tools.telemetry;
    const kept = keptBetween(this.notes, from, batch.first);
    const begin = kept[0]?.first ?? batch.first;
    const lost = begin - from;
    const where = { stream: this.notes.lane.stream, topic: target.destination.topic, from };
    let under = session;
    if (lost > 0) {
      under = await this.open(kept[0] ?? batch, target, signal);
      this.notes.count("lost_by_broker", lost);
      report(signals.lostByBroker, { ...where, records: lost });
    }
    for (const each of kept) await this.mustAppend(each, under, target, signal);
    if (kept.length > 0) report(signals.resentLost, { ...where, records: batch.first - begin });
    return this.succeed(batch, under, await this.mustAppend(batch, under, target, signal), inDoubt);
  }

  /** The same where we may not ask: the kept batches show where the log goes on, newest first. */
  private async resendUntold(
    batch: StoredBatch,
    session: Session,
    target: Target,
    inDoubt: boolean,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const kept = keptBetween(this.notes, session.first, batch.first);
    for (let index = kept.length - 1; index >= 0; index--) {
      const each = kept[index];
      if (each === undefined) break;
      const { verdict } = await this.attempt(each, session, target, signal);
      if (verdict.kind === "out_of_order") continue;
      if (verdict.kind !== "appended") throw notAppended(each, target, verdict.kind);
      for (const later of kept.slice(index + 1)) await this.mustAppend(later, session, target, signal);
      const records = batch.first - each.first;
      this.tools.telemetry.report(signals.resentLost, { topic: target.destination.topic, from: each.first, records });
      return this.succeed(batch, session, await this.mustAppend(batch, session, target, signal), inDoubt);
    }
    this.tools.telemetry.report(signals.unexplained, { topic: target.destination.topic, first: batch.first });
    if (inDoubt) this.suspicion.raise(endOf(batch));
    return await this.sendAnew(batch, target, signal);
  }

  private async mustAppend(batch: StoredBatch, session: Session, target: Target, signal: AbortSignal) {
    const sent = await this.attempt(batch, session, target, signal);
    if (sent.verdict.kind !== "appended") throw notAppended(batch, target, sent.verdict.kind);
    return sent;
  }

  private async sendAnew(batch: StoredBatch, target: Target, signal: AbortSignal): Promise<Delivery> {
    const session = await this.open(batch, target, signal);
    return this.succeed(batch, session, await this.mustAppend(batch, session, target, signal), false);
  }

  private tooLarge(batch: StoredBatch, target: Target): Delivery {
    const { report, metrics } = this.tools.telemetry;
    const { topic } = target.destination;
    if (batch.kind === "shed" || batch.count === 1) {
      return this.refuse(batch, target, `a record of ${batch.bytes.length} bytes is too large for topic ${topic}`);
    }
    // None of it was appended and nothing is behind it: the parts go on under the same session.
    this.doubt.takeBack(batch);
    metrics.splits.add(1);
    report(signals.split, { topic, first: batch.first, records: batch.count, bytes: batch.bytes.length });
    return { kind: "split", parts: splitBatch(batch) };
  }

  /** Never: the session ends before it, durably, so that a new one begins behind the hole. */
  private refuse(batch: StoredBatch, target: Target, reason: string): Delivery {
    const { session } = this.place;
    if (session !== undefined) this.place.store({ ...session, until: batch.first }, target.destination);
    this.doubt.takeBack(batch);
    this.corruptTries = 0;
    return { kind: "refused", code: "KAFKA_RECORD_REFUSED", reason };
  }

  private fence(reason: string): AppError {
    const { context, telemetry } = this.tools;
    const { stream, number, group: topic } = this.notes.lane;
    const { session, destination } = this.place;
    if (session !== undefined && destination !== undefined) this.place.store({ ...session, fenced: true }, destination);
    telemetry.report(signals.fenced, { stream, lane: number, topic, reason });
    context.renewEpoch(`lane ${stream}.${number}: ${reason}`);
    this.failed = new AppError("KAFKA_SESSION_FENCED", `deliver lane ${stream}.${number} to topic ${topic}: ${reason}`);
    return this.failed;
  }

  private async open(batch: StoredBatch, target: Target, signal: AbortSignal): Promise<Session> {
    const { link, telemetry } = this.tools;
    const opening = openSession(link, target, batch, this.place.previous, this.suspicion.below, this.doubt.now());
    const session = await orAbort(opening, signal);
    this.place.store(session, target.destination);
    this.doubt.clear(batch.first);
    this.expected = batch.first;
    this.lookedUp = true;
    telemetry.metrics.sessions.add(1);
    const producer = `${session.producerId}.${session.producerEpoch}`;
    const { stream } = this.notes.lane;
    telemetry.report(signals.sessionOpened, { stream, ...target.destination, producer, first: session.first });
    return session;
  }
}
