import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.sink.RollingFileSink, with names by event time and every line in the files once. */
export default defineSink({
  type: "file_roll",
  summary: "Writes the lines to files, one a day or as configured; every line once, also after crashes.",
  stability: "stable",
  config: configSchema,
  example: { directory: "/srv/lake", file: "%{stream}/%Y-%m-%d.log" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { FileRollSink } = await import("./sink.ts");
    return new FileRollSink(config, context);
  },
});
