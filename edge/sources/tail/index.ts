import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

export default defineSource({
  type: "tail",
  summary: "Follows log files as they are written, rotated, truncated and deleted; every line once.",
  stability: "stable",
  config: configSchema,
  example: { paths: ["/var/log/vehicle/driving*.log"], start: "beginning" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { TailSource } = await import("./source.ts");
    return new TailSource(config, context);
  },
  inspect: async (config, surroundings) => (await import("./inspect.ts")).inspectTail(config, surroundings),
});
