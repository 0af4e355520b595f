import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `http` (org.apache.flume.source.http.HTTPSource), with its JSONHandler and BlobHandler. */
export default defineSource({
  type: "http",
  summary:
    "Takes events over HTTP: Flume's JSON, a line an event, a body an event, or those of another agent, each once; answers when they are durable.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:5140", format: "flume_json" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { HttpSource } = await import("./source.ts");
    return new HttpSource(config, context);
  },
});
