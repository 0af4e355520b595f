/**
 * Single messages beside the batches: heartbeats. They take the sink's connection and nothing else of it: no producer
 * session, no lane, no request that a batch travels in. One send, one answer; what is not answered is not sent again.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import type { KafkaLink, TopicMetadata } from "../../../shared/kafka/connection/link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { partitionOfKey } from "../../../shared/kafka/murmur2.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import type { SigningKey } from "../../../shared/signature/keys.ts";
import type { SingleMessage } from "../../core/sink.ts";
import { codes } from "./codes.ts";
import { orAbort } from "./or-abort.ts";
import { refusal } from "./refusal.ts";
import { signals, type Telemetry } from "./telemetry.ts";
import type { CreateTopic } from "./topics.ts";

export interface MessengerOptions {
  readonly link: KafkaLink;
  readonly telemetry: Telemetry;
  /** A missing topic is made, compacted; undefined: it is waited for. */
  readonly create: Pick<CreateTopic, "replicationFactor"> | undefined;
  readonly signingKey: SigningKey | undefined;
  /** Told of each message's bytes: they count for the link's limit. */
  readonly spend: (bytes: number) => void;
}

/** No producer: a message is not sent twice, and nobody counts it. */
const noProducer = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

/**
 * A topic of messages: all but the newest of a key may go. One partition: a beat is some hundred bytes, and who reads
 * them reads all. The broker's time, because it is what a silence is measured by.
 */
const topicSettings = {
  "cleanup.policy": "compact",
  "message.timestamp.type": "LogAppendTime",
  "segment.ms": "3600000",
};

export class Messenger {
  private readonly known = new Map<string, Promise<TopicMetadata>>();

  constructor(private readonly options: MessengerOptions) {}

  /** @throws AppError why it is not in the topic, or nobody knows. */
  async tell(message: SingleMessage, signal: AbortSignal): Promise<void> {
    try {
      await orAbort(this.send(message), signal);
    } catch (thrown) {
      this.known.delete(message.topic); // Whoever leads it may be another one now.
      throw thrown;
    }
  }

  private async send({ topic, key, value, identity, timeMs }: SingleMessage): Promise<void> {
    const { link, signingKey, spend } = this.options;
    const { leaders } = await this.find(topic);
    const partition = partitionOfKey(Buffer.from(key), leaders.length);
    const node = leaders[partition];
    if (node === undefined) {
      throw new AppError(codes.KAFKA_NOT_READY, `find the leader of ${topic}/${partition}: it has none now`);
    }
    await link.ready(node);
    const builder = new RecordBatchBuilder({
      compression: signingKey === undefined ? "none" : "zstd",
      identity: undefined,
    });
    const bytes = Buffer.from(value);
    builder.begin(0);
    const headers = { headerNames: [IDENTITY_HEADER], headerValues: [identity] };
    builder.append({ buffer: bytes, start: 0, end: bytes.length, eventTimeMs: timeMs, key, ...headers });
    const batch = builder.seal();
    const trailer = signingKey && signatureOf(batch.bytes, signingKey);
    stampBatch(batch.bytes, batch.recordsCrc, { ...noProducer, trailer });
    spend(batch.bytes.length + (trailer?.length ?? 0));
    const [answer] = await link.produce(node, [{ topic, partition, bytes: batch.bytes, trailer }]);
    const errorCode = answer?.errorCode ?? -1;
    if (errorCode !== errors.NONE) throw refusal(`send a message to ${topic}/${partition}`, errorCode);
  }

  private find(topic: string): Promise<TopicMetadata> {
    let known = this.known.get(topic);
    if (known === undefined) {
      known = this.ask(topic);
      this.known.set(topic, known);
      known.catch(() => {}); // Whoever waits for it is told.
    }
    return known;
  }

  private async ask(topic: string): Promise<TopicMetadata> {
    const { link, create, telemetry } = this.options;
    const found = await link.topic(topic);
    if (found.errorCode === errors.NONE) return found;
    link.askOthersFirst(found.askedBroker);
    if (found.errorCode !== errors.UNKNOWN_TOPIC_OR_PARTITION) throw refusal(`ask for topic ${topic}`, found.errorCode);
    if (create === undefined) {
      throw new AppError("KAFKA_TOPIC_MISSING", `ask for topic ${topic}: there is none`, {
        hint: "Create it with cleanup.policy=compact and message.timestamp.type=LogAppendTime, or give the Kafka sink `createTopic`.",
      });
    }
    const { replicationFactor } = create;
    const made = await link.createTopic({ topic, partitions: 1, replicationFactor, settings: topicSettings });
    if (made.errorCode === errors.NONE) {
      telemetry.report(signals.topicCreated, { topic, partitions: 1, replicationFactor });
    } else if (made.errorCode !== errors.TOPIC_ALREADY_EXISTS) {
      throw refusal(`create topic ${topic}`, made.errorCode);
    }
    // It takes a moment to be led; the next heartbeat finds it.
    return await link.topic(topic).then((metadata) => {
      if (metadata.errorCode === errors.NONE) return metadata;
      throw new AppError(codes.KAFKA_NOT_READY, `ask for topic ${topic}: created just now, and not led yet`);
    });
  }
}
