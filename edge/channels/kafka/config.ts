import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { kafkaBrokers } from "../../../shared/kafka/connection-fields.ts";
import { batchFields } from "../../core/channel-fields.ts";
import { clientIdField, securityFields, sessionTimeoutField, timeoutFields } from "../../records/kafka-fields.ts";

const MiB = 1024 * 1024;

/** Config of the kafka channel. */
export const configSchema = () =>
  z.strictObject({
    brokers: kafkaBrokers('not a list of brokers: write ["host:port"]'),
    ...securityFields(),
    topic: z
      .string()
      .regex(/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/, { error: "not a topic name: 1 to 249 of a-z A-Z 0-9 . _ -" })
      .meta({ description: "The topic that is the channel. It must be there: the channel makes none." }),
    groupId: z.string().min(1).max(249).optional().meta({
      description:
        "The consumer group as whose member the sinks take events from the topic. tailgate-<topic> when left out. Agents that share the topic share out its partitions if they name the same group.",
    }),
    parseAsFlumeEvent: z.boolean().default(true).meta({
      description:
        "true: a record's value is an Avro datum of Flume's AvroFlumeEvent, headers and body, as Flume writes and reads it. false: the value is the body, and headers are headers of the record.",
    }),
    start: z
      .enum(["beginning", "end"])
      .default("beginning")
      .meta({ description: "Where the sinks begin with a partition that the group has never read." }),
    capacity: byteSize({ min: MiB }).prefault("32MiB").meta({
      description:
        "Memory for events that the brokers have not acknowledged yet. When it is full, sources wait: their files are the buffer.",
    }),
    readAhead: byteSize({ min: MiB, max: 256 * MiB })
      .prefault("8MiB")
      .meta({ description: "Memory for events that were read from the topic and wait for their sink." }),
    partitionIdHeader: z.string().min(1).optional().meta({
      description: "The event header that holds the number of the partition it goes to; it counts before the key.",
    }),
    defaultPartitionId: z.int().min(0).max(100_000).optional().meta({
      description:
        "The partition of events that have no such header. Left out: by the key, or else by the agent's name.",
    }),
    clientId: clientIdField(),
    sessionTimeout: sessionTimeoutField(),
    commitInterval: duration({ min: 100, max: 600_000 }).prefault("1s").meta({
      description:
        "How often the group is told how far the sinks are. This agent goes on from what is stored with each acknowledgement.",
    }),
    ...timeoutFields(),
    ...batchFields,
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
