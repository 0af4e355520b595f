/**
 * Delivers one lane's batches into one partition, each exactly once, one in flight.
 *
 * How it works: `decide.ts` says what comes next, from what is known of the batch and what was heard last; this file does
 * that one step, and tells what came of it. DESIGN.md in this folder has the tables that the decisions follow.
 *
 * The lane always knows whether the batch at hand may have been sent before ("in doubt"). A batch in doubt keeps its
 * numbers: it is sent again as it is, and the broker recognises the repeat. Only a batch that is not in doubt may begin a
 * new session.
 */
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { type AddToBooks, bookedReport } from "../../../shared/telemetry/counting-report.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivery, LaneDelivery } from "../../core/sink.ts";
import { splitBatch } from "../../core/split-batch.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { type Attempt, attempt, type Delivering, describe, sameLeadership } from "./attempt.ts";
import { codes } from "./codes.ts";
import { decide, fencedByAnswer, type Heard, type Known, type Last, type Step } from "./decide.ts";
import { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { Looks } from "./looks.ts";
import { formatMark } from "./mark.ts";
import { openSession } from "./open-session.ts";
import { orAbort } from "./or-abort.ts";
import { Place } from "./place.ts";
import { Recovery } from "./recovery.ts";
import { endOf, type Session, standing } from "./session.ts";
import { SteppedEpoch } from "./stepped-epoch.ts";
import { Suspicion } from "./suspicion.ts";
import { signals } from "./telemetry.ts";

/** A batch that arrived damaged may have been damaged on the way: this often it is tried before it is refused. */
const corruptTriesMax = 3;

const fencedHint =
  "Was the data directory copied, so that two send? Stop one of them. Was an older copy of it put back? Start the agent once more: what this lane holds is sent then.";

export class KafkaLane implements LaneDelivery {
  private readonly doubt: Doubt;
  private readonly place: Place;
  private readonly suspicion: Suspicion;
  private readonly recovery: Recovery;
  private readonly looks: Looks;
  private readonly stepped: SteppedEpoch;
  /** Everything below is committed. */
  private provedBelow = 0;
  /** The number that continues the session; undefined after a start. */
  private expected: number | undefined;
  private corruptTries = 0;
  /** The last send of the batch at hand, and whether the batch was in doubt before it. */
  private last: { readonly sent: Attempt; readonly session: Session; readonly inDoubt: boolean } | undefined;
  private failed: AppError | undefined;
  /** Whether the last delivery ended because Kafka, or the partition's leader, could not be reached. */
  unreachable = false;
  private busy = false;

  private readonly tools: LaneTools;

  constructor(
    private readonly notes: LaneNotes,
    shared: LaneTools,
  ) {
    const { report, metrics } = shared.telemetry;
    const book: AddToBooks = (name, amount) => notes.count(name, amount);
    const tools = { ...shared, telemetry: { report: bookedReport(report, book), metrics } };
    this.tools = tools;
    this.doubt = new Doubt(notes.seqAtStart, tools.context.clock);
    this.place = new Place(notes, tools, this.doubt);
    this.suspicion = new Suspicion(notes, tools, this.doubt);
    const { doubt, place, suspicion } = this;
    this.looks = new Looks({ notes, tools, place, doubt, suspicion });
    this.stepped = new SteppedEpoch({ notes, tools, place, suspicion, looks: this.looks });
    this.recovery = new Recovery(notes, tools, this.place, {
      send: (batch, at) => this.attempt(batch, at),
      open: (batch, at, how) => this.open(batch, at, how),
    });
  }

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    // A refused first batch followed by an accepted next one would be a hole that nobody refuses.
    invariant(!this.busy, "a lane has one batch in flight");
    this.busy = true;
    this.unreachable = false;
    try {
      return await this.deliverOne(batch, signal);
    } catch (thrown) {
      if (thrown instanceof AppError) {
        this.tools.telemetry.metrics.retry(thrown.code);
        this.unreachable = hasCode(thrown, "KAFKA_UNREACHABLE") || hasCode(thrown, codes.KAFKA_NOT_READY);
        if (hasCode(thrown, "KAFKA_CLUSTER_CHANGED")) this.tools.topics.forgetAll();
        else this.tools.topics.forget(this.notes.lane.group, this.place.leader);
      }
      throw thrown;
    } finally {
      this.busy = false;
    }
  }

  mayHave(batch: StoredBatch): number {
    return this.doubt.has(batch) ? batch.count : 0;
  }

  resumed(from: number): void {
    this.place.resumed(from);
  }

  /** For the status page. */
  status(): Readonly<Record<string, unknown>> {
    const { destination, session, leader } = this.place;
    return {
      partition: destination?.partition,
      leader: leader && `${leader.nodeId} (${leader.host}:${leader.port})`,
      producer: session && `${session.producerId}.${session.producerEpoch}`,
      failed: this.failed?.code,
    };
  }

  private async deliverOne(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    if (this.failed !== undefined) throw this.failed;
    if (endOf(batch) <= this.provedBelow) return this.proved(batch, this.provedBelow - 1, undefined);
    this.doubt.delivering(batch);
    this.last = undefined;
    const target = await this.place.reach(signal);
    if (target.moved) {
      this.expected = undefined;
      const { session } = this.place;
      if (session !== undefined && session.suspectBelow > batch.first) this.suspicion.raise(session.suspectBelow);
    }
    const at = { batch, target, signal };
    let step = decide(this.known(at), { kind: "begin" });
    for (;;) {
      switch (step.kind) {
        case "look":
        case "open":
        case "send":
        case "go_beyond":
        case "resend":
        case "resend_all":
        case "repair":
          step = decide(this.known(at), await this.take(step, at));
          break;
        default:
          return this.end(step, at);
      }
    }
  }

  private known({ batch, target }: Delivering): Known {
    const { session, mark } = this.place;
    const end = endOf(batch);
    const { nodeId } = target.node;
    const mayBeForgotten = this.doubt.mayBeForgotten(this.tools.producerIdExpirationMs, nodeId);
    const follows = this.expected === undefined || this.expected === batch.first;
    const cut = session?.cut;
    return {
      first: batch.first,
      end,
      divisible: batch.kind === "records" && batch.count > 1,
      inDoubt: this.inDoubt(batch),
      suspect: this.suspicion.has(batch),
      mayBeForgotten,
      session: standing(session, batch),
      continues: follows && !mayBeForgotten,
      resendFrom: cut?.before === batch.first ? cut.resendFrom : undefined,
      sessionFirst: session?.first ?? 0,
      acknowledged: Math.min(mark?.below ?? batch.first, batch.first),
      leaderIsNew: mark !== undefined && !sameLeadership(this.place.leaderSeen, target.leadership),
      triesLeft: this.corruptTries + 1 < corruptTriesMax,
    };
  }

  private inDoubt(batch: StoredBatch): boolean {
    if (!this.doubt.has(batch)) return false;
    const { session } = this.place;
    if (session === undefined || session.fenced) return true;
    // A marker has a session of its own, and a session that was closed at this number was closed before it was sent.
    return (batch.kind === "shed") === session.marker && batch.first < (session.until ?? Number.POSITIVE_INFINITY);
  }

  /** Does one step that is not the last. */
  private async take(step: Exclude<Step, Last>, at: Delivering): Promise<Heard> {
    switch (step.kind) {
      case "look":
        return { kind: "found", look: step, found: await this.looks.take(step, at) };
      case "open": {
        const { batch, target } = at;
        const { topic } = target.destination;
        if (step.unexplained) this.tools.telemetry.report(signals.unexplained, { topic, first: batch.first });
        if (step.suspect) this.suspicion.raise(endOf(batch));
        await this.open(batch, at);
        return { kind: "opened" };
      }
      case "send":
        return await this.send(at);
      case "go_beyond": {
        const beyond = await this.recovery.goBeyond(at);
        if (beyond === undefined) return { kind: "went_beyond", otherwise: step.otherwise, upTo: undefined };
        this.tools.telemetry.report(signals.provedByLater, { first: at.batch.first, later: beyond.first });
        return { kind: "went_beyond", otherwise: step.otherwise, upTo: endOf(beyond) - 1 };
      }
      case "resend":
        return this.resent(await this.recovery.resend(step.from, at), false);
      case "resend_all":
        return this.resent(await this.recovery.resendAll(step.from, at), step.retry);
      case "repair": {
        const offset = this.last?.sent.answer.baseOffset ?? 0;
        const sent = await this.recovery.repair(at, (this.place.mark?.offset ?? offset) - offset + 1);
        if (sent !== undefined) this.note(sent, this.place.session, at);
        else if (this.last !== undefined) this.note(this.last.sent, this.last.session, at);
        return { kind: "repaired" };
      }
    }
  }

  private resent(sent: Attempt, retry: boolean): Heard {
    return { kind: "resent", retry, verdict: sent.verdict };
  }

  private async send(at: Delivering): Promise<Heard> {
    const { batch, target } = at;
    const { sent, dispelled } = await this.suspicion.hear(this.attempt(batch, at));
    if (dispelled) this.place.store({ ...this.place.used(), suspectBelow: 0 }, target.destination);
    if (sent.verdict.kind === "refused" && sent.verdict.corrupt) this.corruptTries++;
    const belowMark = sent.verdict.kind === "appended" && this.place.isBelowMark(sent.answer.baseOffset);
    return { kind: "answered", verdict: sent.verdict, inDoubt: this.last?.inDoubt ?? true, belowMark };
  }

  private async attempt(batch: StoredBatch, at: Delivering): Promise<Attempt> {
    const inDoubt = this.doubt.has(batch);
    const { target, signal } = at;
    const unsent = this.stepped.sending(this.place.used());
    const send = () => attempt({ batch, session: this.place.used(), target, signal }, this.doubt, this.tools);
    let sent = await send();
    if (await this.stepped.isRefused({ batch, verdict: sent.verdict, unsent }, at)) sent = await send();
    else if (batch.first !== at.batch.first && sent.verdict.kind === "forgotten") {
      // What the log lost goes on under a producer that it knows.
      await this.stepped.renew({ first: batch.first }, at);
      sent = await send();
    }
    const session = this.place.used();
    if (sent.verdict.kind === "appended") this.stepped.took(session);
    if (batch.first === at.batch.first) this.last = { sent, session, inDoubt };
    else if (sent.verdict.kind === "fenced") throw this.fence(fencedByAnswer.reason);
    return sent;
  }

  /** Does the last step. */
  private end(step: Last, at: Delivering): Delivery {
    const { batch, target } = at;
    switch (step.kind) {
      case "succeed":
        return this.succeed(at);
      case "proved":
        return this.proved(batch, step.upTo, target.node.nodeId);
      case "settled":
        return this.settled(batch);
      case "split":
        return this.split(batch, target.destination.topic);
      case "refuse":
        return this.refuse(at, step.reason);
      case "fence":
        throw this.fence(step.reason);
      case "again":
        if (step.absent) this.doubt.takeBack(batch);
        throw new AppError(step.code, `${describe(batch, target)}: ${step.reason}`);
    }
  }

  private succeed(at: Delivering): Delivery {
    invariant(this.last !== undefined, "a batch that succeeded was sent");
    const { sent, session, inDoubt } = this.last;
    const { batch, target } = at;
    const { appendTimeMs } = sent.answer;
    const brokerTimeMs = appendTimeMs < 0 ? undefined : appendTimeMs;
    this.suspicion.count(batch, brokerTimeMs);
    this.doubt.settled(batch, { once: !inDoubt, brokerTimeMs, nodeId: target.node.nodeId });
    this.tools.telemetry.metrics.batches.add(1);
    this.expected = endOf(batch);
    this.corruptTries = 0;
    this.note(sent, session, at);
    return this.delivered();
  }

  /** Where the log stands after an answer of success. */
  private note({ answer, records }: Attempt, session: Session | undefined, { batch, target }: Delivering): void {
    if (session === undefined) return;
    this.place.leaderSeen = target.leadership;
    this.place.mark = {
      producerId: session.producerId,
      producerEpoch: session.producerEpoch,
      offset: answer.baseOffset < 0 ? -1 : answer.baseOffset + records - 1,
      brokerTimeMs: this.doubt.sinceBrokerMs,
      at: this.doubt.since,
      below: endOf(batch),
    };
  }

  /** It is committed, though nobody answered for it; more may be. */
  private proved(batch: StoredBatch, upTo: number, nodeId: number | undefined): Delivery {
    if (upTo >= this.doubt.below) throw this.fence(`the log has number ${upTo}, which was never sent from here`);
    this.provedBelow = Math.max(this.provedBelow, upTo + 1);
    this.doubt.settled(batch, { once: false, brokerTimeMs: undefined, nodeId: nodeId ?? -1 });
    this.suspicion.count(batch, undefined);
    this.tools.telemetry.metrics.repeats.add(1);
    return this.settled(batch);
  }

  private settled(batch: StoredBatch): Delivery {
    this.expected = endOf(batch);
    return this.delivered();
  }

  /** Where it stands may not be known: a later look-up begins behind the mark there was, and its age is not renewed. */
  private delivered(): Delivery {
    const { mark } = this.place;
    if (mark !== undefined) return { kind: "delivered", mark: formatMark(mark) };
    return this.notes.mark === undefined ? { kind: "delivered" } : { kind: "delivered", mark: this.notes.mark };
  }

  private split(batch: StoredBatch, topic: string): Delivery {
    const { report } = this.tools.telemetry;
    // None of it was appended and nothing is behind it: the parts go on under the same session.
    this.doubt.takeBack(batch);
    report(signals.split, { topic, first: batch.first, records: batch.count, bytes: batch.bytes.length });
    return { kind: "split", parts: splitBatch(batch) };
  }

  /** Never: the session ends before it, durably, so that a new one begins behind the hole. */
  private refuse({ batch, target }: Delivering, reason: string): Delivery {
    const { session } = this.place;
    if (session !== undefined) this.place.store({ ...session, until: batch.first }, target.destination);
    this.doubt.takeBack(batch);
    this.corruptTries = 0;
    return { kind: "refused", code: "KAFKA_RECORD_REFUSED", reason: `${describe(batch, target)}: ${reason}` };
  }

  private fence(reason: string): AppError {
    const { context, telemetry } = this.tools;
    const { stream, number, group } = this.notes.lane;
    const { session, destination } = this.place;
    if (session !== undefined && destination !== undefined) this.place.store({ ...session, fenced: true }, destination);
    telemetry.report(signals.fenced, { stream, lane: number, topic: group, reason });
    context.renewEpoch(`lane ${stream}.${number}: ${reason}`);
    const what = `deliver lane ${stream}.${number} to topic ${group}: ${reason}`;
    this.failed = new AppError("KAFKA_SESSION_FENCED", what, { hint: fencedHint });
    return this.failed;
  }

  private async open(batch: StoredBatch, at: Delivering, how?: "repair"): Promise<Session> {
    const { link, telemetry } = this.tools;
    const { target, signal } = at;
    const repair = how === undefined ? undefined : at.batch;
    const suspectBelow = this.suspicion.below;
    const mayStep = !this.tools.stepless.has(target.destination.clusterId);
    const wanted = { batch, previous: this.place.previous, suspectBelow, opened: this.doubt.now(), mayStep, repair };
    const session = await orAbort(openSession(link, target, wanted), signal);
    this.place.store(session, target.destination);
    this.stepped.opened(session);
    if (repair === undefined) this.doubt.clear(batch.first);
    this.expected = batch.first;
    const producer = `${session.producerId}.${session.producerEpoch}`;
    const { stream } = this.notes.lane;
    telemetry.report(signals.sessionOpened, { stream, ...target.destination, producer, first: session.first });
    return session;
  }
}
