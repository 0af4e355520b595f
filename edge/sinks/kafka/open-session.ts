import type { KafkaLink, ProducerId } from "../../../shared/kafka/connection/link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Target } from "./attempt.ts";
import { refusal } from "./refusal.ts";
import type { Moment, Session } from "./session.ts";

/** What begins, after what, and when. */
export interface NewSession {
  readonly batch: Pick<StoredBatch, "first" | "count" | "kind">;
  /** The last session of this lane in the same partition. */
  readonly previous: Session | undefined;
  readonly suspectBelow: number;
  readonly opened: Moment;
  /** The broker takes an epoch that we stepped to. */
  readonly mayStep: boolean;
  /** It only sends again what the log lost before this batch, which it has. */
  readonly repair?: Pick<StoredBatch, "first" | "count"> | undefined;
}

/** Kafka's epochs are int16. */
const epochMax = 32_767;

/**
 * A session that begins with this batch. After an earlier one of ours in the same partition it is the next epoch of the
 * same producer, which the broker takes without being asked and which shuts out whatever of the old one is still on its
 * way; else a producer id that nobody has.
 *
 * @throws AppError `KAFKA_UNREACHABLE`, `KAFKA_UNAUTHORIZED`
 */
export async function openSession(link: KafkaLink, target: Target, wanted: NewSession): Promise<Session> {
  const { batch, previous, suspectBelow, opened, mayStep, repair } = wanted;
  const { topic, partition } = target.destination;
  const end = await link.endOffset(target.node, topic, partition);
  const before = previous?.fenced === true ? undefined : previous;
  const stepped = before !== undefined && before.producerEpoch < epochMax && mayStep;
  const { producerId, producerEpoch } = stepped
    ? { producerId: before.producerId, producerEpoch: before.producerEpoch + 1 }
    : await newProducer(link, target);
  return {
    producerId,
    producerEpoch,
    first: batch.first,
    until: repair?.first ?? (batch.kind === "shed" ? batch.first + batch.count : undefined),
    producerFirst: stepped ? Math.min(before.producerFirst, batch.first) : batch.first,
    hereFirst: Math.min(before?.hereFirst ?? batch.first, batch.first),
    takenBelow: repair && repair.first + repair.count,
    cut: previous?.cut && { before: previous.cut.before, resendFrom: undefined },
    stepped,
    marker: batch.kind === "shed",
    fenced: false,
    suspectBelow,
    logEnd: end.errorCode === errors.NONE ? end.offset : undefined,
    opened,
  };
}

/** The same session under a producer id that nobody has: the broker refuses the epoch that we stepped to. */
export async function underNewProducer(link: KafkaLink, target: Target, session: Session): Promise<Session> {
  const { producerId, producerEpoch } = await newProducer(link, target);
  return { ...session, producerId, producerEpoch, producerFirst: session.first, stepped: false };
}

async function newProducer(link: KafkaLink, target: Target): Promise<ProducerId> {
  const answer = await link.initProducerId(target.node);
  if ("producerId" in answer) return answer;
  throw refusal(`get a producer id for ${target.destination.topic}`, answer.errorCode);
}
