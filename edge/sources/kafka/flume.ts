import { asCommas, asFlag, asText, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";
import { consumerKeys, securedClient, setEither } from "../../records/flume-kafka-client.ts";

const paced = "records are committed by the agent's linger and by size";
const old = "offsets are kept by Kafka, and here in the channel's transaction";

const kafka: FlumeMapping = {
  names: ["org.apache.flume.source.kafka.KafkaSource"],
  keys: {
    "kafka.bootstrap.servers": { to: "brokers", as: asCommas },
    "kafka.topics": { by: "`topics`" },
    "kafka.topics.regex": { by: "`topicsPattern`, instead of the topics; the whole name must match" },
    topic: { by: "`topics`, where nothing newer is given" },
    "kafka.consumer.group.id": { by: "`groupId`" },
    groupId: { by: "`groupId`, where `kafka.consumer.group.id` is not given" },
    batchSize: { nothing: paced },
    batchDurationMillis: { nothing: paced },
    backoffSleepIncrement: { nothing: "an empty topic is waited for" },
    maxBackoffSleep: { nothing: "an empty topic is waited for" },
    useFlumeEventFormat: { to: "useFlumeEventFormat", as: asFlag },
    setTopicHeader: { refused: "the header that holds the topic is always set", unless: ["true"] },
    topicHeader: { to: "topicHeader", as: asText },
    timestampHeader: {
      refused: "the time of a record is the event's own time here, and no header",
      unless: [""],
    },
    "header.*": { nothing: "all headers of a record become headers of its event here" },
    zookeeperConnect: { nothing: old },
    migrateZookeeperOffsets: { nothing: old },
    "kafka.consumer.client.id": { to: "clientId", as: asText },
    "kafka.consumer.enable.auto.commit": { nothing: "the group is told when events are durable" },
    ...consumerKeys(),
  },
  // Flume's defaults: Kafka's own client begins at the end.
  start: { groupId: "flume", start: "end", partitionHeader: "partition", offsetHeader: "offset" },
  differences: [
    "How far it is, is stored with the events, in one transaction; the group is told afterwards, for lag tools and other members.",
    "A record's key stays the key and its time the event's time; Flume makes the headers `key` and `timestamp` of them.",
    "Records of transactions that were given up are not read; Flume reads them unless `isolation.level` says otherwise.",
  ],
  headers: () => undefined,
  finish,
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [kafka];

function finish(draft: FlumeDraft): void {
  const regex = draft.value("kafka.topics.regex");
  const listed = draft.value("kafka.topics") === undefined ? "topic" : "kafka.topics";
  const topics = draft.value(listed);
  if (regex !== undefined) draft.set("topicsPattern", `^(?:${regex.written})$`, "kafka.topics.regex");
  else if (topics !== undefined) {
    const list = asCommas(topics);
    if (list.ok) draft.set("topics", list.value, listed);
  } else draft.refuse(undefined, "names no topic: it has neither `kafka.topics` nor `kafka.topics.regex`");
  setEither(draft, "groupId", "kafka.consumer.group.id", "groupId");
  securedClient(draft, "kafka.consumer.");
}
