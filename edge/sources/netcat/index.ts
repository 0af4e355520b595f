import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `netcat` (org.apache.flume.source.NetcatSource). */
export default defineSource({
  type: "netcat",
  summary: "Takes lines over TCP, TLS or a Unix socket, and answers each with OK when it is durable.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:44444" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { NetcatSource } = await import("./source.ts");
    return new NetcatSource(config, context);
  },
});
