/**
 * Finds out which batches of a session the log has, without sending any. Two sources, which say different things:
 *
 * - DescribeProducers says what the *leader* has, exactly, while it remembers the producer. A part of that may be
 *   uncommitted, and gone when another broker leads.
 * - The batch headers, read back from the last acknowledged offset (or from where the log ended when the session began),
 *   say what is *committed*: a broker hands out nothing from the high watermark on. This reads the log, so it is done only
 *   when something depends on it.
 *
 * Both need READ on the topic.
 */
import { readCommitted } from "../../../shared/kafka/connection/committed-batches.ts";
import type { BrokerNode, KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { HEADER_BYTES, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { type Mark, markOf } from "./mark.ts";
import { refusal } from "./refusal.ts";
import { numberOf, type Session } from "./session.ts";

/** What the cluster says about the batches of a session. */
export type Found =
  | {
      readonly kind: "log";
      /** All of the session from `near` up to this number, inclusive, is committed. Undefined: not read, or not there. */
      readonly committed: number | undefined;
      /**
       * The last number that the leader has, committed or not (right before the session: none of it); or it does not
       * know the producer, and what stands in the place of the last acknowledged batch is that batch or was not looked at
       * (`forgotten`), something else or nothing (`replaced`), or not to be seen yet (`unsure`); or its log is `empty`.
       */
      readonly leader: number | "forgotten" | "replaced" | "unsure" | "empty";
    }
  /** A newer epoch of our producer id is in use. */
  | { readonly kind: "fenced" }
  /**
   * We may not look, or what we would look at is deleted. `cutTo`: the log ends there, below the last acknowledgement, which anybody
   * may ask who may write.
   */
  | { readonly kind: "unknown"; readonly reason: string; readonly cutTo?: number };

/** Which batches of which session are in question, and where they would be. */
export interface Question {
  readonly session: Session;
  readonly node: BrokerNode;
  readonly topic: string;
  readonly partition: number;
  /** The first number in question. */
  readonly near: number;
  /** The last acknowledgement at this destination. */
  readonly mark: Mark | undefined;
  /** What to read of the log: what is committed from the mark on, the mark's own place where the producer is unknown, or nothing. */
  readonly read: "committed" | "mark" | "nothing";
}

/**
 * Asks; the answer holds for everything sent before, except what is still on its way.
 *
 * @throws AppError `KAFKA_UNREACHABLE`: not answered; ask again.
 */
export async function lookUp(link: KafkaLink, question: Question): Promise<Found> {
  const { session, node, topic, partition, near, read } = question;
  const answer = await link.describeProducers(node, topic, partition);
  if (answer.producers === undefined) {
    const unknown = cannotLook("ask for the producers of", question, answer.errorCode);
    if (read === "mark" && unknown.kind === "unknown") {
      return { ...unknown, ...(await cutOff(link, question, answer.errorCode === errors.UNSUPPORTED_VERSION)) };
    }
    // A broker without that request still hands out its log.
    if (answer.errorCode !== errors.UNSUPPORTED_VERSION || read !== "committed") return unknown;
    const scanned = await scan(link, question);
    return scanned.kind === "unknown" || scanned.committed !== undefined ? scanned : unknown;
  }
  const producer = answer.producers.find((each) => each.producerId === session.producerId);
  if (producer !== undefined && producer.producerEpoch > session.producerEpoch) return { kind: "fenced" };
  if (read === "committed") {
    const scanned = await scan(link, question);
    // Where a part is deleted, the leader can still say that it never had it.
    const leader = lastOf(producer, session, near);
    if (scanned.kind === "unknown") return leader === "forgotten" || leader >= near ? scanned : logWith(leader);
    return { ...scanned, leader };
  }
  if (producer === undefined && read === "mark") return await placeOfMark(link, question);
  return logWith(lastOf(producer, session, near));
}

function logWith(leader: Extract<Found, { readonly kind: "log" }>["leader"]): Found {
  return { kind: "log", committed: undefined, leader };
}

type Remembered = { readonly producerEpoch: number; readonly lastSequence: number } | undefined;

function lastOf(producer: Remembered, session: Session, near: number): number | "forgotten" {
  if (producer === undefined) return "forgotten";
  // An older epoch of ours that is still known: had ours written anything, it would stand there instead.
  if (producer.producerEpoch < session.producerEpoch || producer.lastSequence < 0) return session.first - 1;
  return numberOf(session, producer.lastSequence, near);
}

/** What stands where the last acknowledged batch was. */
async function placeOfMark(link: KafkaLink, question: Question): Promise<Found> {
  const { node, topic, partition, mark } = question;
  if (mark === undefined || mark.offset < 0) return logWith("forgotten");
  const slice = await link.readLog(node, topic, partition, mark.offset);
  if (slice.errorCode === errors.OFFSET_OUT_OF_RANGE) {
    const end = await link.endOffset(node, topic, partition);
    if (end.errorCode !== errors.NONE) return cannotLook("ask for the end of", question, end.errorCode);
    // Below the end and out of range: retention has deleted it, and nothing can be said.
    if (mark.offset < end.offset) return logWith("forgotten");
    return logWith(end.offset === 0 ? "empty" : "replaced");
  }
  if (slice.errorCode !== errors.NONE) return cannotLook("read back", question, slice.errorCode);
  // A new leader learns from its followers what is committed before it hands it out.
  if (slice.bytes.length < HEADER_BYTES) return logWith("unsure");
  const { producerId, producerEpoch } = readBatchHeader(slice.bytes);
  return logWith(producerId === mark.producerId && producerEpoch === mark.producerEpoch ? "forgotten" : "replaced");
}

/**
 * Whether the log ends below the last acknowledgement. A leader that does not know yet what is committed answers with an
 * error until it does (KIP-207), so an end is never too low.
 */
async function cutOff(link: KafkaLink, question: Question, foreign: boolean): Promise<{ readonly cutTo?: number }> {
  const { node, topic, partition, mark } = question;
  if (mark === undefined || mark.offset < 0) return {};
  const { errorCode, offset } = await link.endOffset(node, topic, partition);
  if (errorCode !== errors.NONE) {
    cannotLook("ask for the end of", question, errorCode);
    return {};
  }
  if (!foreign) return offset <= mark.offset ? { cutTo: offset } : {};
  // Brokers that are not Apache's may name the last offset instead of the one behind it (Tansu does): 0 is one record, or none.
  if (offset >= mark.offset) return {};
  const slice = offset > 0 ? undefined : await link.readLog(node, topic, partition, 0);
  const empty = slice?.errorCode === errors.NONE && slice.bytes.length === 0 && slice.highWatermark <= 0;
  return { cutTo: empty ? 0 : offset + 1 };
}

type Scanned = Exclude<Found, { readonly kind: "fenced" }>;

async function scan(link: KafkaLink, question: Question): Promise<Scanned> {
  const { session, node, topic, partition, near } = question;
  const mark = markOf(question.mark, session);
  const from = mark !== undefined && mark.offset >= 0 ? mark.offset + 1 : (session.logEnd ?? 0);
  let committed: number | undefined;
  const read = await readCommitted(link, { node, topic, partition, from }, (header) => {
    if (header.producerId !== session.producerId || header.producerEpoch !== session.producerEpoch) return;
    const last = numberOf(session, header.baseSequence + header.lastOffsetDelta, near);
    const first = session.marker ? session.first : last - header.lastOffsetDelta;
    if (first <= (committed ?? near - 1) + 1 && last >= near) committed = last;
  });
  switch (read.kind) {
    case "deleted":
      return { kind: "unknown", reason: "retention has deleted that part of the log" };
    case "refused":
      return cannotLook(read.doing, question, read.errorCode);
    case "read":
      return { kind: "log", committed, leader: "forgotten" };
  }
}

function cannotLook(what: string, { topic, partition }: Question, errorCode: number): Scanned {
  switch (errorCode) {
    case errors.TOPIC_AUTHORIZATION_FAILED:
    case errors.CLUSTER_AUTHORIZATION_FAILED:
    case errors.UNSUPPORTED_VERSION:
      return { kind: "unknown", reason: errorName(errorCode) };
    default:
      throw refusal(`${what} ${topic}/${partition}`, errorCode);
  }
}
