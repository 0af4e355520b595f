import { batchSettings } from "../../core/channel-fields.ts";
import { defineChannel } from "../../core/define.ts";
import { type Config, configSchema } from "./config.ts";

/** Flume's `org.apache.flume.channel.kafka.KafkaChannel`. */
export default defineChannel({
  type: "kafka",
  summary:
    "A topic is the channel: what sources put is durable when all in-sync replicas have it, and sinks take it from there, in this agent or in others, also in Flume. Nothing is lost; edge/channels/kafka/DESIGN.md says what may come twice.",
  stability: "experimental",
  config: configSchema,
  example: { brokers: ["127.0.0.1:9092"], topic: "flume-channel" },
  keeping: "elsewhere",
  isShared: true,
  bounds,
  flume: async () => (await import("./flume.ts")).mappings,
  probe: async (config, context, signal) => (await import("./probe.ts")).probeTopic(config, context, signal),
  create: async (config, context) => {
    const { KafkaChannel } = await import("./kafka-channel.ts");
    return new KafkaChannel(config, bounds(config).settings, context);
  },
});

/** What goes into an Avro datum is compressed after that. */
function bounds(config: Config) {
  const settings = batchSettings(config);
  return {
    settings: config.parseAsFlumeEvent ? { ...settings, compression: "none" as const } : settings,
    bytesMax: config.capacity,
    ttlMs: undefined,
  };
}
