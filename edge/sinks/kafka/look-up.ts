/**
 * Finds out which batches of a session the log has, without sending any.
 *
 * DescribeProducers answers exactly while the broker remembers the producer. When it does not, and so much time has
 * passed that it may have forgotten, the headers of the batches in the log are read back, from the last acknowledged
 * offset or from where the log ended when the session began. Both need READ on the topic.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { HEADER_BYTES, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import type { Mark } from "./mark.ts";
import { numberOf, type Session } from "./session.ts";

/** What the cluster says about batches whose answer never came. */
export type Found =
  /** The log has everything of the session up to this number, inclusive. */
  | { readonly kind: "up_to"; readonly number: number }
  /** Nothing of the session, or nothing since the last acknowledgement. */
  | { readonly kind: "absent" }
  /** A newer epoch of our producer id is in use. */
  | { readonly kind: "fenced" }
  /** We may not look, or what we would look at is deleted. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Which batches of which session are in question, and where they would be. */
export interface Question {
  readonly session: Session;
  readonly node: BrokerNode;
  readonly topic: string;
  readonly partition: number;
  /** A number near the ones in question. */
  readonly near: number;
  /** The last acknowledgement under this session. */
  readonly mark: Mark | undefined;
  /** So much time may have passed that the broker has forgotten the producer. */
  readonly mayBeForgotten: boolean;
}

/**
 * Asks; the answer holds for everything sent before, except what is still on its way.
 *
 * @throws AppError `KAFKA_UNREACHABLE`: not answered; ask again.
 */
export async function lookUp(link: KafkaLink, question: Question): Promise<Found> {
  const { session, node, topic, partition, near, mayBeForgotten } = question;
  const answer = await link.describeProducers(node, topic, partition);
  if (answer.producers === undefined) return cannotLook("ask for the producers of", question, answer.errorCode);
  const producer = answer.producers.find((each) => each.producerId === session.producerId);
  if (producer !== undefined && producer.producerEpoch > session.producerEpoch) return { kind: "fenced" };
  if (producer !== undefined && producer.producerEpoch === session.producerEpoch && producer.lastSequence >= 0) {
    return { kind: "up_to", number: numberOf(session, producer.lastSequence, near) };
  }
  // An older epoch of ours that is still known: had ours written anything, it would stand there instead.
  if (producer !== undefined || !mayBeForgotten) return { kind: "absent" };
  return await scan(link, question);
}

async function scan(link: KafkaLink, question: Question): Promise<Found> {
  const { session, node, topic, partition, near, mark } = question;
  let offset = mark !== undefined && mark.offset >= 0 ? mark.offset + 1 : (session.logEnd ?? 0);
  let last: number | undefined;
  for (;;) {
    const slice = await link.readLog(node, topic, partition, offset);
    if (slice.errorCode === offsetOutOfRange) {
      const end = await link.endOffset(node, topic, partition);
      if (end.errorCode !== errors.NONE) return cannotLook("ask for the end of", question, end.errorCode);
      if (offset <= end.offset) return { kind: "unknown", reason: "retention has deleted that part of the log" };
      // Beyond the end: the log is shorter than it was, so what we look for is not in it.
      break;
    }
    if (slice.errorCode !== errors.NONE) return cannotLook("read back", question, slice.errorCode);
    let at = 0;
    while (at + HEADER_BYTES <= slice.bytes.length) {
      const header = readBatchHeader(slice.bytes, at);
      if (header.producerId === session.producerId && header.producerEpoch === session.producerEpoch) {
        last = numberOf(session, header.baseSequence + header.lastOffsetDelta, near);
      }
      offset = Number(header.baseOffset) + header.lastOffsetDelta + 1;
      at += header.bytes;
    }
    if (offset >= slice.highWatermark || at === 0) break;
  }
  if (last !== undefined) return { kind: "up_to", number: last };
  return { kind: "absent" };
}

/** OFFSET_OUT_OF_RANGE. */
const offsetOutOfRange = 1;

function cannotLook(what: string, { topic, partition }: Question, errorCode: number): Found {
  switch (errorCode) {
    case errors.TOPIC_AUTHORIZATION_FAILED:
    case errors.CLUSTER_AUTHORIZATION_FAILED:
    case errors.UNSUPPORTED_VERSION:
      return { kind: "unknown", reason: errorName(errorCode) };
    default:
      throw new AppError("KAFKA_UNREACHABLE", `${what} ${topic}/${partition}: ${errorName(errorCode)}`);
  }
}
