import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.source.ThriftSource. */
export default defineSource({
  type: "thrift",
  summary:
    "Takes events from Flume's Thrift sinks and clients, in the compact or the binary protocol, and answers each batch when it is durable.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:41415" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { ThriftSource } = await import("./source.ts");
    return new ThriftSource(config, context);
  },
});
