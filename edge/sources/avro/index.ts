import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.source.AvroSource. */
export default defineSource({
  type: "avro",
  summary: "Takes events from Flume's Avro sinks and clients, and answers each batch when it is durable.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:41414" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { AvroSource } = await import("./source.ts");
    return new AvroSource(config, context);
  },
});
