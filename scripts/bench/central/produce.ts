/** Fills a topic with numbered records as an edge would: key, identity header, JSON line of about 200 bytes. */
import { CompressionTypes, logLevel } from "kafkajs";
import { formatIdentity, IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { silent } from "../../../shared/telemetry/log.ts";

export interface ProduceOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  readonly events: number;
  /** Interleaved: event n is of vehicle n modulo vehicles. */
  readonly vehicles: number;
  /** Event time of the first; one event a vehicle and second from there. */
  readonly startMs: number;
}

const recordsPerSend = 4_000;

/** Creates the topic and fills it. Each partition is one lane of one agent; resolves when all is acknowledged. */
export async function produce(options: ProduceOptions): Promise<void> {
  const { topic, partitions, events, vehicles, startMs } = options;
  const kafka = createKafka({
    brokers: options.brokers,
    clientId: "bench",
    report: silent,
    component: "bench",
    level: logLevel.ERROR,
  });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] });
  await admin.disconnect();
  const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  await producer.connect();
  const nextSeq = Array.from({ length: partitions }, () => 0);
  let pending: Promise<unknown> = Promise.resolve();
  for (let first = 0; first < events; first += recordsPerSend) {
    const messages = [];
    for (let number = first; number < Math.min(events, first + recordsPerSend); number++) {
      const vehicle = number % vehicles;
      const lane = vehicle % partitions;
      const seq = nextSeq[lane] ?? 0;
      nextSeq[lane] = seq + 1;
      const eventTimeMs = startMs + Math.floor(number / vehicles) * 1_000;
      const identity = formatIdentity({
        agent: "bench",
        epoch: "e1",
        stream: "drive",
        lane,
        kind: "record",
        first: seq,
        last: seq,
        reason: undefined,
        eventTimeMs,
      });
      messages.push({
        partition: lane,
        key: vehicleName(vehicle),
        value: line(vehicle, number, eventTimeMs),
        headers: { [IDENTITY_HEADER]: identity },
      });
    }
    await pending;
    pending = producer.sendBatch({
      acks: -1,
      compression: CompressionTypes.ZSTD,
      topicMessages: [{ topic, messages }],
    });
  }
  await pending;
  await producer.disconnect();
}

/** `car-00042`. */
export function vehicleName(vehicle: number): string {
  return `car-${String(vehicle).padStart(5, "0")}`;
}

/** A JSON line of about 200 bytes. */
export function line(vehicle: number, number: number, timeMs: number): string {
  const speed = ((number * 7919) % 1300) / 10;
  const angle = ((number * 31) % 900) / 10 - 45;
  return (
    `{"car":"${vehicleName(vehicle)}","time":${timeMs},"n":${number},"accelerator":${number % 100},` +
    `"brake":${number % 3},"steeringAngle":${angle.toFixed(1)},"turnSignal":"off","speed":${speed},` +
    `"area":"motorway-${number % 17}","odometer":${number * 3}}`
  );
}
