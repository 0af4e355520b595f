import { asCommas, asFlag, asMs, asText, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";
import { asBytes, clientSecurityKeys, oldBrokers, securedClient } from "../../records/flume-kafka-client.ts";

const paced = "batches are built when events are put into the channel (`linger`, `batchSize`)";
const always = "a batch is always idempotent, acknowledged by all replicas, and tried again without end";
const gone = "Flume itself reads it no more";
const client = "it tunes the Java client";

const kafka: FlumeMapping = {
  names: ["kafka", "org.apache.flume.sink.kafka.KafkaSink"],
  keys: {
    "kafka.bootstrap.servers": { to: "brokers", as: asCommas },
    brokerList: { by: "`brokers`, where `kafka.bootstrap.servers` is not given" },
    "kafka.topic": { by: "`topic`" },
    topic: { by: "`topic`, where `kafka.topic` is not given" },
    allowTopicOverride: { by: "`topic: %{topic}`, where events may have that header" },
    topicHeader: { by: "the header in `topic`" },
    flumeBatchSize: { nothing: paced },
    batchSize: { nothing: paced },
    "kafka.batchSize": { nothing: gone },
    "kafka.flumeBatchSize": { nothing: "the guide names it so, and Flume does not read it" },
    requiredAcks: { nothing: always },
    "kafka.producer.acks": { nothing: always },
    useFlumeEventFormat: { to: "useFlumeEventFormat", as: asFlag },
    defaultPartitionId: { refused: "a fixed partition is not carried: `partition: agent` keeps a source in one" },
    partitionIdHeader: {
      refused: "a partition by header is not carried yet: `partition: key` divides by the record's key",
    },
    timestampHeader: {
      refused: "a time by header is not carried yet: take it out of the line with regex_extractor",
      unless: [""],
    },
    "header.*": { nothing: "all headers of an event are headers of its record here" },
    "serializer.class": { nothing: gone },
    "key.serializer.class": { nothing: gone },
    "kafka.producer.key.serializer": asBytes("Serializer", "keys are sent as bytes"),
    "kafka.producer.value.serializer": asBytes("Serializer", "lines are sent as bytes"),
    "kafka.producer.partitioner.class": { refused: "partitions are by agent or by key (`partition`)" },
    "kafka.producer.interceptor.classes": { refused: "no Java runs here" },
    "kafka.producer.transactional.id": { refused: "transactions are not needed: every batch is in the topic once" },
    "kafka.producer.bootstrap.servers": { nothing: "Flume puts `kafka.bootstrap.servers` in its place" },
    "kafka.producer.compression.type": { by: "`compression` of the channel" },
    "kafka.producer.client.id": { to: "clientId", as: asText },
    "kafka.producer.request.timeout.ms": { to: "requestTimeout", as: asMs },
    ...clientSecurityKeys("kafka.producer."),
    "kafka.producer.*": { nothing: client },
  },
  differences: [
    "Acknowledgement is always by all in-sync replicas: `acks` 0 and 1 are taken for `all`.",
    "Every record carries the event's headers and the identity header; Flume sends headers only where `header.*` names them.",
    "A source's events are in one partition, in order (`partition: agent`); Flume spreads events without a key.",
    "Flume's event header `key` is the record's key there; here `regex_extractor` sets the key.",
  ],
  finish,
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [kafka];

function finish(draft: FlumeDraft): void {
  oldBrokers(draft);
  topic(draft);
  securedClient(draft, "kafka.producer.");
  const compression = draft.value("kafka.producer.compression.type");
  if (compression !== undefined)
    draft.note(`kafka.producer.compression.type = ${compression.text}: the channel compresses, with zstd`);
  if (draft.mayHaveHeader("key")) {
    draft.note(
      "Flume's event header `key` would be the record's key; here `regex_extractor` sets the key, and this header is a header",
    );
  }
}

function topic(draft: FlumeDraft): void {
  const key = draft.value("kafka.topic") === undefined ? "topic" : "kafka.topic";
  const written = draft.value(key)?.written ?? "default-flume-topic";
  const header = draft.value("topicHeader")?.written ?? "topic";
  const override = draft.value("allowTopicOverride")?.text.toLowerCase() !== "false" && draft.mayHaveHeader(header);
  if (!override) {
    draft.set("topic", written, key);
    if (written.includes("%{")) draft.set("topicDefault", "default-flume-topic");
    return;
  }
  // A pattern cannot be what another pattern falls back to.
  if (written.includes("%{")) {
    draft.refuse(
      key,
      `a topic with headers, and a header "${header}" that may name another`,
      "write allowTopicOverride = false",
    );
    return;
  }
  draft.set("topic", `%{${header}}`, key);
  draft.set("topicDefault", written, key);
  draft.note(`events may have the header "${header}", which names the topic then (allowTopicOverride)`);
}
