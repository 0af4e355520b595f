import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { pattern } from "../../../shared/config/pattern/pattern.ts";
import { kafkaBrokers } from "../../../shared/kafka/connection-fields.ts";
import { clientIdField, securityFields, sessionTimeoutField } from "../../records/kafka-fields.ts";

const headerName = (what: string) =>
  z
    .string()
    .min(1)
    .optional()
    .meta({ description: `Name of a header that is to hold ${what}; unset: none.` });

/** Config of the kafka source. */
export const configSchema = () =>
  z
    .strictObject({
      brokers: kafkaBrokers('not a list of brokers: write ["host:port"]'),
      ...securityFields(),
      topics: z
        .array(z.string().min(1).max(249))
        .min(1)
        .max(1_000)
        .optional()
        .meta({ description: "The topics to read." }),
      topicsPattern: pattern().optional().meta({
        description:
          "A regular expression instead: all topics whose name it matches, also those that are made later. Kafka's own topics, whose names begin with __, are left out.",
      }),
      groupId: z.string().min(1).max(249).optional().meta({
        description:
          "The consumer group. tailgate-<agent>-<source> when left out. Positions belong to the group: with another one all is read from where `start` says.",
      }),
      start: z
        .enum(["beginning", "end"])
        .default("beginning")
        .meta({ description: "Where to begin with a partition that was never read." }),
      clientId: clientIdField(),
      useFlumeEventFormat: z.boolean().default(false).meta({
        description:
          "true: the value of a record is an Avro datum of Flume's AvroFlumeEvent; its body becomes the event's, its headers too. A value that is no such datum is taken as it stands, with the header `not_flume_event`, counted and logged.",
      }),
      topicHeader: z.string().min(1).default("topic").meta({ description: "Name of the header that holds the topic." }),
      partitionHeader: headerName("the partition"),
      offsetHeader: headerName("the offset"),
      sessionTimeout: sessionTimeoutField(),
      commitInterval: duration({ min: 100, max: 600_000 }).prefault("1s").meta({
        description:
          "How often the group is told the offsets, for lag tools and for the next member. This agent goes on from the offsets that are stored with the events. When an agent of the group is killed, what it stored since it last told the group comes again through another.",
      }),
    })
    .refine(({ topics, topicsPattern }) => (topics === undefined) !== (topicsPattern === undefined), {
      path: ["topics"],
      error: "write topics or topicsPattern, one of them",
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
