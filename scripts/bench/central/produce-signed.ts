/** Fills a topic as `produce` does, by an edge's own builder of batches: each batch is signed with the key of its agent. */
import { createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import type { SigningKey } from "../../../shared/signature/keys.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { line, type ProduceOptions, vehicleName } from "./produce.ts";

const recordsPerBatch = 1_000;
const nobody = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

/** Creates the topic and fills it. Each partition is one lane of the agent "bench". */
export async function produceSigned(options: ProduceOptions, key: SigningKey): Promise<void> {
  const { topic, partitions, events, vehicles, startMs } = options;
  const link = createKafkajsLink({
    brokers: options.brokers,
    clientId: "bench",
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    report: silent,
    component: "bench",
    random: systemRandom,
    tls: undefined,
    sasl: undefined,
  });
  try {
    // The records' times are long ago: without the broker's own they would be deleted at once.
    const settings = { "message.timestamp.type": "LogAppendTime" };
    await link.createTopic({ topic, partitions, replicationFactor: 1, settings });
    const leaders = await leadersOf(() => link.topic(topic), partitions);
    for (let partition = 0; partition < partitions; partition++) {
      const node = leaders[partition];
      if (node === undefined) throw new Error(`no leader of partition ${partition}`);
      const lane = { agent: "bench", epoch: "e1", stream: "drive", lane: partition };
      const builder = new RecordBatchBuilder({ compression: "zstd", identity: lane });
      let seq = 0;
      const send = async () => {
        const { bytes, recordsCrc } = builder.seal();
        const trailer = signatureOf(bytes, key);
        stampBatch(bytes, recordsCrc, { ...nobody, trailer });
        const [answer] = await link.produce(node, [{ topic, partition, bytes, trailer }]);
        if (answer?.errorCode !== 0) throw new Error(`produce: error ${answer?.errorCode}`);
      };
      for (let number = 0; number < events; number++) {
        const vehicle = number % vehicles;
        if (vehicle % partitions !== partition) continue;
        if (builder.count === 0) builder.begin(seq);
        const eventTimeMs = startMs + Math.floor(number / vehicles) * 1_000;
        const buffer = Buffer.from(line(vehicle, number, eventTimeMs));
        const headers = { headerNames: [], headerValues: [] };
        builder.append({ buffer, start: 0, end: buffer.length, eventTimeMs, key: vehicleName(vehicle), ...headers });
        seq++;
        if (builder.count === recordsPerBatch) await send();
      }
      if (builder.count > 0) await send();
    }
  } finally {
    link.close();
  }
}

/** A topic that was just made has no leaders for a moment. */
async function leadersOf<Node>(
  ask: () => Promise<{ readonly leaders: readonly (Node | undefined)[] }>,
  partitions: number,
): Promise<readonly (Node | undefined)[]> {
  for (let tries = 0; ; tries++) {
    const { leaders } = await ask().catch((thrown: unknown) => {
      if (tries >= 50) throw thrown;
      return { leaders: [] };
    });
    if (leaders.length === partitions && leaders.every((leader) => leader !== undefined)) return leaders;
    await Bun.sleep(100);
  }
}
