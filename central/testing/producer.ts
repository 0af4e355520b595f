/** Puts records with identities into a topic, as an edge would, for tests with a real broker. */
import { randomBytes } from "node:crypto";
import { CompressionTypes, type Producer } from "kafkajs";
import { formatIdentity, IDENTITY_HEADER } from "../../shared/identity/identity.ts";
import { createKafka } from "../../shared/kafka/connection/client.ts";
import { silent } from "../../shared/telemetry/log.ts";

/** How records differ from the ordinary ones. */
export interface RecordShape {
  /** Text of so many bytes, which compresses to half; a short one that names lane and number when not given. */
  readonly valueBytes?: number;
  /** How many vehicles they are of; 10 when not given. */
  readonly vehicles?: number;
}

/** As much as one request may hold, with room to spare. */
const requestBytes = 512 * 1024;

/** One agent, one lane a partition; numbers go on from send to send. */
export class TestProducer implements AsyncDisposable {
  private readonly nextSeq: number[];
  private sent = 0;

  private constructor(
    private readonly producer: Producer,
    private readonly topic: string,
    private readonly partitions: number,
    private readonly agent: string,
  ) {
    this.nextSeq = Array.from({ length: partitions }, () => 0);
  }

  static async connect(address: string, topic: string, partitions: number, agent = "gw1"): Promise<TestProducer> {
    const kafka = createKafka({ brokers: [address], clientId: "test", report: silent, component: "test" });
    // Idempotent: kafkajs sends a whole request again when one partition of it failed, or when its answer is late.
    const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    return new TestProducer(producer, topic, partitions, agent);
  }

  /** Vehicles `car-0` … `car-9`; the value names lane and number. Returns how many were sent in all. */
  async send(count: number, shape: RecordShape = {}): Promise<number> {
    const atOnce = shape.valueBytes === undefined ? 1_000 : Math.max(1, Math.floor(requestBytes / shape.valueBytes));
    for (let left = count; left > 0; left -= atOnce) {
      const messages = Array.from({ length: Math.min(left, atOnce) }, () => this.message(shape));
      await this.producer.sendBatch({
        acks: -1,
        compression: CompressionTypes.ZSTD,
        topicMessages: [{ topic: this.topic, messages }],
      });
    }
    return this.sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer.disconnect();
  }

  private message({ valueBytes, vehicles = 10 }: RecordShape) {
    const lane = this.sent % this.partitions;
    const seq = this.nextSeq[lane] ?? 0;
    this.nextSeq[lane] = seq + 1;
    const vehicle = `car-${this.sent % vehicles}`;
    this.sent++;
    const identity = formatIdentity({
      agent: this.agent,
      epoch: "e1",
      stream: "drive",
      lane,
      kind: "record",
      first: seq,
      last: seq,
      reason: undefined,
      eventTimeMs: 1_760_000_000_000 + seq * 100,
    });
    const name = `${lane}/${seq}`;
    const value =
      valueBytes === undefined ? name : `${name} ${randomBytes(valueBytes / 2).toString("hex")}`.slice(0, valueBytes);
    return { partition: lane, key: vehicle, value, headers: { [IDENTITY_HEADER]: identity } };
  }
}
