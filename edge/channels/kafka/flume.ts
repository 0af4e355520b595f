import { asCommas, asFlag, asMs, asNumber, asText, type FlumeMapping } from "../../core/flume-mapping.ts";
import {
  asBytes,
  clientSecurityKeys,
  consumerKeys,
  oldBrokers,
  securedClient,
  setEither,
} from "../../records/flume-kafka-client.ts";

const always = "a batch is always idempotent, acknowledged by all replicas, and tried again without end";
const paced = "sinks take what is there, and wait for more";
const old = "offsets are kept by Kafka, and here in the agent's own file";

const kafka: FlumeMapping = {
  names: ["org.apache.flume.channel.kafka.KafkaChannel"],
  keys: {
    "kafka.bootstrap.servers": { to: "brokers", as: asCommas },
    brokerList: { by: "`brokers`, where `kafka.bootstrap.servers` is not given" },
    "kafka.topic": { by: "`topic`" },
    topic: { by: "`topic`, where `kafka.topic` is not given" },
    "kafka.consumer.group.id": { by: "`groupId`" },
    groupId: { by: "`groupId`, where `kafka.consumer.group.id` is not given" },
    parseAsFlumeEvent: { to: "parseAsFlumeEvent", as: asFlag },
    pollTimeout: { nothing: paced },
    "kafka.pollTimeout": { nothing: paced },
    timeout: { nothing: paced },
    defaultPartitionId: { to: "defaultPartitionId", as: asNumber },
    partitionIdHeader: { to: "partitionIdHeader", as: asText },
    readSmallestOffset: { by: "`start`, where `kafka.consumer.auto.offset.reset` is not given" },
    zookeeperConnect: { nothing: old },
    migrateZookeeperOffsets: { nothing: old },
    capacity: { nothing: "Flume ignores it here, too" },
    transactionCapacity: { nothing: "Flume ignores it here, too" },
    "keep-alive": { nothing: "a source waits for room as long as it takes" },
    "kafka.producer.acks": { nothing: always },
    "kafka.producer.retries": { nothing: always },
    "kafka.producer.enable.idempotence": { nothing: always },
    "kafka.producer.compression.type": {
      by: "`compression`: none, gzip and zstd; the others become gzip, which every Flume reads",
    },
    "kafka.producer.client.id": { to: "clientId", as: asText },
    "kafka.producer.request.timeout.ms": { to: "requestTimeout", as: asMs },
    "kafka.producer.key.serializer": asBytes("Serializer"),
    "kafka.producer.value.serializer": asBytes("Serializer"),
    "kafka.producer.partitioner.class": { refused: "partitions are by header, by key or by agent" },
    "kafka.producer.interceptor.classes": { refused: "no Java runs here" },
    "kafka.producer.transactional.id": { refused: "transactions are not used" },
    ...clientSecurityKeys("kafka.producer."),
    "kafka.producer.*": { nothing: "it tunes the Java client" },
    "kafka.consumer.client.id": {
      nothing: "both halves of the channel have one client id: `kafka.producer.client.id`",
    },
    "kafka.consumer.session.timeout.ms": { to: "sessionTimeout", as: asMs },
    "kafka.consumer.enable.auto.commit": { nothing: "the group is told when a sink has the events" },
    ...consumerKeys(),
  },
  // An old Flume that shares the topic may not read zstd.
  start: { groupId: "flume", topic: "flume-channel", compression: "none" },
  differences: [
    "An event without a key goes to the partition of the agent's name, so that a source's events stay in order; Flume spreads them.",
    "What a sink has is stored in the agent's file with each acknowledgement, and the group is told after that: a kill repeats at most the batch that was under way, where a Flume repeats a transaction.",
    "A record that is no Flume event is passed over and counted; a Flume's sink stands still before it.",
    "With `parseAsFlumeEvent = false` headers travel as headers of the record; Flume drops them.",
    "A topic that is not there is waited for and said; nobody makes it.",
    "`kafka.producer.security.protocol` counts for both halves; where `kafka.consumer.` says otherwise, that is refused.",
  ],
  finish,
};

/** For `defineChannel`. */
export const mappings: readonly FlumeMapping[] = [kafka];

function finish(draft: Parameters<NonNullable<FlumeMapping["finish"]>>[0]): void {
  oldBrokers(draft);
  setEither(draft, "topic", "kafka.topic", "topic");
  setEither(draft, "groupId", "kafka.consumer.group.id", "groupId");
  const smallest = draft.value("readSmallestOffset");
  if (smallest !== undefined && draft.value("kafka.consumer.auto.offset.reset") === undefined) {
    draft.set("start", smallest.text.toLowerCase() === "true" ? "beginning" : "end", "readSmallestOffset");
  }
  const compression = draft.value("kafka.producer.compression.type");
  if (compression !== undefined) {
    const known = ["none", "gzip", "zstd"].includes(compression.text) ? compression.text : "gzip";
    draft.set("compression", known, "kafka.producer.compression.type");
    if (known !== compression.text) draft.note(`kafka.producer.compression.type = ${compression.text}: gzip here`);
  }
  secured(draft);
}

/** One way to the brokers for both halves. */
function secured(draft: Parameters<typeof securedClient>[0]): void {
  const protocol = (prefix: string) => draft.value(`${prefix}security.protocol`);
  const [producer, consumer] = [protocol("kafka.producer."), protocol("kafka.consumer.")];
  if (producer !== undefined && consumer !== undefined && producer.text !== consumer.text) {
    draft.refuse(
      "kafka.consumer.security.protocol",
      "differs from the producer's: the channel has one way to the brokers",
    );
    return;
  }
  securedClient(draft, producer === undefined ? "kafka.consumer." : "kafka.producer.");
}
