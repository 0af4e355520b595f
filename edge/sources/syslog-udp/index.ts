import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `syslogudp` (org.apache.flume.source.SyslogUDPSource). */
export default defineSource({
  type: "syslog_udp",
  summary:
    "Takes syslog (RFC 3164 and 5424) as datagrams. Datagrams for which there is no room are lost, and counted where that can be seen.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:5514" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { SyslogUdpSource } = await import("./source.ts");
    return new SyslogUdpSource(config, context);
  },
});
