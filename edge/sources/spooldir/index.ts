import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

export default defineSource({
  type: "spooldir",
  summary: "Reads complete files that are put into a directory, each once, and renames or deletes them when durable.",
  stability: "stable",
  config: configSchema,
  example: { path: "/var/spool/vehicle", done: "rename" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { SpoolDirectorySource } = await import("./source.ts");
    return new SpoolDirectorySource(config, context);
  },
  inspect: async (config, surroundings) => (await import("./inspect.ts")).inspectSpool(config, surroundings),
});
