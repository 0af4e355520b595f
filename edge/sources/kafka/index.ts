import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `org.apache.flume.source.kafka.KafkaSource`. */
export default defineSource({
  type: "kafka",
  summary:
    "Reads topics as a member of a consumer group. The offset is stored with the events, so from topic to topic each record goes once while one agent reads a partition, also after a kill. Between the agents of a group each goes at least once: what a killed agent had stored and not yet told the group (`commitInterval`) comes again through the next.",
  stability: "experimental",
  config: configSchema,
  example: { brokers: ["127.0.0.1:9092"], topics: ["driving"] },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { KafkaSource } = await import("./source.ts");
    return new KafkaSource(config, context);
  },
});
