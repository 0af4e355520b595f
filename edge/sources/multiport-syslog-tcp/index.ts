import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `multiport_syslogtcp` (org.apache.flume.source.MultiportSyslogTCPSource). */
export default defineSource({
  type: "multiport_syslog_tcp",
  summary:
    "Takes syslog over TCP or TLS on several ports, and can put the port into a header. As with syslog_tcp there are no answers.",
  stability: "experimental",
  config: configSchema,
  example: { ports: [10001, 10002], portHeader: "port" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { MultiportSyslogTcpSource } = await import("./source.ts");
    return new MultiportSyslogTcpSource(config, context);
  },
});
