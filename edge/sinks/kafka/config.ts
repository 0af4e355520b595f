import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { pattern } from "../../../shared/config/pattern/pattern.ts";
import { secret } from "../../../shared/config/secret.ts";
import { kafkaBrokers } from "../../../shared/kafka/connection-fields.ts";
import { readSigningKey } from "../../../shared/signature/keys.ts";
import { clientIdField, securityFields, timeoutFields } from "../../records/kafka-fields.ts";
import { isTopicName, parseTopicPattern } from "./layout.ts";

const topicName = () =>
  z.string().refine(isTopicName, {
    error: "not a topic name: 1 to 249 of a-z A-Z 0-9 . _ - (and not . or .. alone)",
  });

/** A regular expression that must match from the first to the last character. */
function wholePattern() {
  return z
    .string({ error: "not a regular expression: write a text" })
    .transform((text) => (text.startsWith("(?i)") ? `(?i)^(?:${text.slice(4)})$` : `^(?:${text})$`))
    .pipe(pattern());
}

/** A private Ed25519 key as PEM. */
const signingKey = () =>
  secret().superRefine((text, context) => {
    const read = readSigningKey(text);
    if (!read.ok) context.addIssue({ code: "custom", message: read.message });
  });

const createTopic = () =>
  z.strictObject({
    partitions: z.int().min(1).max(100_000).default(4).meta({ description: "Partitions of a topic that we create." }),
    replication: z
      .int()
      .min(1)
      .max(32_767)
      .optional()
      .meta({ description: "Replicas; the broker's default when left out." }),
    retention: duration({ min: 60_000 })
      .prefault("7d")
      .meta({ description: "How long the topic keeps events. Give more than consumers are ever away." }),
    perMinute: z
      .int()
      .min(1)
      .max(1_000)
      .default(10)
      .meta({ description: "Topics that we create in a minute: their names may come from what a log contains." }),
    settings: z.record(z.string(), z.string()).default({}).meta({
      description: "Other settings of the topic, by Kafka's names. It has LogAppendTime unless this says otherwise.",
    }),
  });

/** The Kafka sink's config. Acknowledgement is always by all in-sync replicas. */
export const configSchema = () =>
  z
    .strictObject({
      brokers: kafkaBrokers('not a list of brokers: write ["host:port"]'),
      topic: z
        .string()
        .superRefine((text, context) => {
          const pattern = parseTopicPattern(text);
          if (!pattern.ok) context.addIssue({ code: "custom", message: pattern.message });
        })
        .meta({
          description: "A topic, or a pattern with headers such as vehicle-%{kind}, resolved when the event is put.",
        }),
      topicDefault: topicName().optional().meta({
        description: "Where events go that lack a header of the pattern, or whose header makes no legal name.",
      }),
      topicsMax: z.int().min(1).max(1_000).default(100).meta({
        description:
          "With a pattern: how many topics each stream may name. Events that name one more go to topicDefault, counted: each topic costs memory, and what a log contains must not decide how much.",
      }),
      topicsAllowed: wholePattern().optional().meta({
        description:
          "With a pattern: a regular expression that the whole name must match, as in `v-(truck|bus)`. Events that name another go to topicDefault, counted. A name that begins with _ because of a header is never allowed.",
      }),
      partition: z.enum(["agent", "key"]).default("agent").meta({
        description:
          "agent: all events of a stream go to one partition. key: murmur2 of the record key picks the partition; each partition is a lane.",
      }),
      partitionsDefault: z.int().min(1).max(1_024).default(1).meta({
        description: "With partition: key, how many partitions to assume before the broker was ever reached.",
      }),
      useFlumeEventFormat: z.boolean().default(false).meta({
        description:
          "true: the value of a record is an Avro datum of Flume's AvroFlumeEvent, headers and body, as Flume's KafkaSink writes it with the same key, so that Flume's KafkaSource reads it so; the event's headers are not headers of the record then. It holds for what is put from then on. The centre stores values as they are: the datum.",
      }),
      clientId: clientIdField(),
      ...securityFields(),
      signingKey: signingKey().optional().meta({
        secret: true,
        description:
          "A private Ed25519 key (`tailgate keygen` makes one): every batch is signed with it when it is sent, so that the centre can tell who made it. Signed batches travel as zstd, whatever the channel's compression.",
      }),
      createTopic: createTopic()
        .optional()
        .meta({ description: "Creates missing topics; needs CREATE. Not given: the sink waits for them." }),
      ...timeoutFields(),
      producerIdExpiration: duration({ min: 1_000 })
        .prefault("24h")
        .meta({ description: "The brokers' producer.id.expiration.ms: how long they recognise a repeat." }),
      bytesPerSecondMax: byteSize({ min: 1_024 })
        .optional()
        .meta({ description: "Most bytes that are sent in a second, for a metered link. No limit when left out." }),
    })
    .refine(({ topic, topicDefault }) => !topic.includes("%{") || topicDefault !== undefined, {
      path: ["topicDefault"],
      error: "missing: the topic is a pattern, so say where events go that lack the header",
    });

/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
