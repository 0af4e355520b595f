import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `netcatudp` (org.apache.flume.source.NetcatUdpSource); a datagram of several lines stays one event. */
export default defineSource({
  type: "netcat_udp",
  summary:
    "Takes datagrams, each an event, without the line feed at its end. Datagrams for which there is no room are lost, and counted where that can be seen.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:44444" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { NetcatUdpSource } = await import("./source.ts");
    return new NetcatUdpSource(config, context);
  },
});
