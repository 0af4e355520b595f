import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, ProduceAnswer } from "../../../shared/kafka/connection/link.ts";
import { readBatchHeader, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { asZstd, signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { orAbort } from "./or-abort.ts";
import { endOf, type Session, sequenceOf } from "./session.ts";
import type { Destination } from "./session-book.ts";
import { signals } from "./telemetry.ts";
import { clockIsUnset, plausibleMs, timestampShift } from "./timestamps.ts";
import type { TopicRoute } from "./topics.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** Where a batch goes now: the destination, and who leads it. */
export interface Target {
  readonly destination: Destination;
  readonly route: TopicRoute;
  readonly node: BrokerNode;
  readonly leadership: Leadership;
}

/** What stays the same while one process leads the partition and was not replaced meanwhile: its log cannot have become shorter. */
export interface Leadership {
  readonly nodeId: number;
  /** How often the partition's leader has changed; -1: not told. */
  readonly epoch: number;
  /** The connection to it. */
  readonly connection: number;
}

/** Whether it is the same node, in the same epoch, over the same connection. */
export function sameLeadership(a: Leadership | undefined, b: Leadership): boolean {
  return a?.nodeId === b.nodeId && a.epoch === b.epoch && a.connection === b.connection;
}

/** One batch on its way to its end. */
export interface Delivering {
  readonly batch: StoredBatch;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** What goes out now: these bytes, under this session. */
export interface Sending {
  readonly batch: StoredBatch;
  readonly session: Session;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** One send and its answer. */
export interface Attempt {
  readonly verdict: Verdict;
  readonly answer: ProduceAnswer;
  /** The broker had it already, certainly: it answered with the place and time of an earlier append. */
  readonly repeat: boolean;
  /** Records that went out: a marker's is one, whatever it stands for. */
  readonly records: number;
}

/**
 * Sends a batch once under a session: stamps the header in place and waits for the answer. Time stamps that the topic
 * refuses are moved and sent again, since a refusal of that kind comes before the append.
 *
 * @throws AppError of the link: not answered. The batch is in doubt then, unless the connection was what failed.
 */
export async function attempt(sending: Sending, doubt: Doubt, tools: LaneTools): Promise<Attempt> {
  const { batch, session, target, signal } = sending;
  const { topic, partition } = target.destination;
  const { context, clockCorrection } = tools;
  const { settings } = target.route;
  const records = batch.kind === "shed" ? 1 : batch.count;
  // What others made, others have signed, or nobody: their names are not ours to sign for.
  const signingKey = batch.lane.carries === true ? undefined : tools.signingKey;
  // The stored batch has no signature: it may be sent again under another key, or cut.
  const out = signingKey === undefined ? batch : asZstd(batch);
  const trailer = signingKey && signatureOf(out.bytes, signingKey);
  for (let first = true; ; first = false) {
    await orAbort(tools.link.ready(target.node), signal);
    const inDoubt = doubt.has(batch);
    const { maxTimestampMs } = readBatchHeader(out.bytes);
    const corrected = clockCorrection.nowMs(context.clock.now());
    // A clock that is not set yet moves nothing, until that is refused.
    const nowMs = first ? corrected : Math.max(corrected, plausibleMs);
    const { producerIdExpirationMs } = tools;
    const retentionMs = first ? settings.retentionMs : 0;
    const rules = { ...settings, retentionMs, producerIdExpirationMs, nowMs };
    if (clockIsUnset(rules)) tools.telemetry.report(signals.clockUnset, { topic, nowMs });
    stampBatch(out.bytes, out.recordsCrc, {
      producerId: session.producerId,
      producerEpoch: session.producerEpoch,
      baseSequence: sequenceOf(session, batch.first),
      shiftMs: timestampShift(maxTimestampMs, rules),
      trailer,
    });
    doubt.sending(batch);
    const sentMs = context.clock.uptimeMs();
    const answer = await tools.sender.send(target.node, { topic, partition, bytes: out.bytes, trailer }, signal);
    const verdict = verdictOf(answer.errorCode);
    const found = answer.errorCode === 0 ? clockCorrection.found() : undefined;
    if (found !== undefined) tools.telemetry.report(signals.clockAhead, { topic, ...found });
    if (verdict.kind !== "timestamp")
      return { verdict, answer, records, repeat: noteAppend(answer, sentMs, target, tools) };
    if (!inDoubt) doubt.takeBack(batch);
    // The first refusal may mean "too old": the next try carries our idea of now, and only then is our clock to blame.
    if (first) continue;
    if (!clockCorrection.stepBack(context.clock.now())) {
      // Held, not buried: a clock of ours makes no record unsendable.
      const reason = "the topic refuses every time stamp";
      return { verdict: { kind: "later", code: "KAFKA_CLOCK", reason }, answer, records, repeat: false };
    }
  }
}

/** Whether an append was certainly an earlier one: where the producer's time is kept, only repeats carry a time. */
function noteAppend(answer: ProduceAnswer, sentMs: number, target: Target, tools: LaneTools): boolean {
  const { errorCode, appendTimeMs } = answer;
  if (errorCode !== 0 || appendTimeMs < 0) return false;
  const { brokerClock, context, telemetry } = tools;
  const { nodeId } = target.node;
  const certain = target.route.settings.logAppendTime === false;
  if (certain || brokerClock.before(nodeId, appendTimeMs, sentMs)) telemetry.metrics.repeats.add(1);
  else brokerClock.note(nodeId, appendTimeMs, context.clock.uptimeMs());
  return certain;
}

/** For messages: what was being done, to what. */
export function describe(batch: StoredBatch, { destination }: Target): string {
  return `send numbers ${batch.first} to ${endOf(batch) - 1} to ${destination.topic}/${destination.partition}`;
}

/** A batch that had to be taken was not; all is tried again. */
export function notAppended(batch: StoredBatch, target: Target, verdict: string): AppError {
  return new AppError("KAFKA_UNKNOWN_OUTCOME", `${describe(batch, target)} again: ${verdict}`);
}
