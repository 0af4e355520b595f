import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `syslogtcp` (org.apache.flume.source.SyslogTcpSource). */
export default defineSource({
  type: "syslog_tcp",
  summary:
    "Takes syslog (RFC 3164 and 5424) over TCP, TLS or a Unix socket. The protocol has no answers, so what was on its way when the agent was killed is lost.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:5514" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { SyslogTcpSource } = await import("./source.ts");
    return new SyslogTcpSource(config, context);
  },
});
