import { createTopicMessage } from "../../../shared/kafka/messages/create-topics.ts";
import { describeConfigsMessage } from "../../../shared/kafka/messages/describe-configs.ts";
import { describeProducersMessage } from "../../../shared/kafka/messages/describe-producers.ts";
import { readFetchAnswer, readLogMessage } from "../../../shared/kafka/messages/fetch.ts";
import { initProducerIdMessage } from "../../../shared/kafka/messages/init-producer-id.ts";
import { endOffsetMessage } from "../../../shared/kafka/messages/list-offsets.ts";
import { metadataMessage } from "../../../shared/kafka/messages/metadata.ts";
import { produceMessage } from "../../../shared/kafka/messages/produce.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { WireReader, WireWriter } from "../../../shared/kafka/wire.ts";
import type { Random } from "../../../shared/random/random.ts";
import { mutateBytes, oneOf, pick } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const newTopic = { topic: "t", partitions: 1, replicationFactor: 1, settings: {} };
const batches = [{ topic: "t", partition: 0, bytes: Buffer.alloc(61) }];

/** Each answer that a broker gives, in a version that we speak. */
const readers: readonly ((from: WireReader, random: Random) => unknown)[] = [
  ...[
    createTopicMessage(newTopic),
    describeConfigsMessage("t"),
    describeProducersMessage("t", 0),
    readLogMessage("t", 0, 0),
    initProducerIdMessage,
    endOffsetMessage("t", 0),
    metadataMessage("t"),
    metadataMessage(undefined),
    produceMessage(batches, 1_000),
  ].map((message) => (from: WireReader, random: Random) => {
    const { min, max } = message.versions;
    return message.read(from, min + pick(random, max - min + 1));
  }),
  (from, random) => {
    const { topics } = readFetchAnswer(from, 4 + pick(random, 8));
    return topics.flatMap(({ partitions }) => partitions.flatMap(({ records }) => splitBatches(records)));
  },
];

/** Numbers, texts and lists with lengths that are mostly small: what the readers get far with. */
function written(random: Random): Buffer {
  const to = new WireWriter(256);
  for (let left = 4 + pick(random, 30); left > 0; left--) {
    switch (pick(random, 6)) {
      case 0:
        to.int32(pick(random, 3));
        break;
      case 1:
        to.int16(pick(random, 3));
        break;
      case 2:
        to.string(oneOf(random, ["t", "", "host", null]));
        break;
      case 3:
        to.int64(BigInt(pick(random, 5)));
        break;
      case 4:
        to.uvarint(pick(random, 4));
        break;
      default:
        to.bytes(Buffer.alloc(pick(random, 20)));
    }
  }
  return Buffer.from(to.written);
}

/** Whatever a broker answers is read, or refused as what it is. */
export const kafkaAnswers: FuzzTarget = {
  name: "a broker's answers",
  try(random) {
    const bytes = mutateBytes(random, [written(random)]);
    const read = oneOf(random, readers);
    // The connection takes these for a broken answer.
    mayRefuse(() => read(new WireReader(bytes), random), [RangeError]);
  },
};
