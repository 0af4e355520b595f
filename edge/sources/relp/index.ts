import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none; what takes its place for rsyslog's `omrelp`. */
export default defineSource({
  type: "relp",
  summary:
    "Takes syslog over RELP, as rsyslog's omrelp sends it, over TCP or TLS; each message is acknowledged when it is durable.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:2514" },
  create: async (config, context) => {
    const { RelpSource } = await import("./source.ts");
    return new RelpSource(config, context);
  },
});
