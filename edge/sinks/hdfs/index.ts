import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/**
 * Flume's org.apache.flume.sink.hdfs.HDFSEventSink, over WebHDFS. Folders as in `/lake/day=%Y-%m-%d` are what Hive takes for
 * partitions; the metastore is not told of them (`MSCK REPAIR TABLE` is).
 */
export default defineSink({
  type: "hdfs",
  summary: "Writes files to HDFS over WebHDFS; every event is in one file, because a retry writes over the same name.",
  stability: "experimental",
  config: configSchema,
  example: { url: "http://namenode:9870", path: "/flume/%{stream}/%Y-%m-%d" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const [{ ObjectSink }, { namesBy }, { rollOf, roundOf }, { formatOf }, { HdfsDestination }] = await Promise.all([
      import("../../records/objects/object-sink.ts"),
      import("../../records/objects/object-names.ts"),
      import("../../records/objects/roll-fields.ts"),
      import("./format.ts"),
      import("./destination.ts"),
    ]);
    const { path, filePrefix, timeZone, maxOpenFiles: openMax } = config;
    const prefix = `${path.replace(/\/+$/, "")}/${filePrefix.replaceAll("%", "%%")}${filePrefix === "" ? "" : "."}`;
    return new ObjectSink(context, {
      destination: new HdfsDestination(config),
      format: formatOf(config),
      roll: rollOf(config),
      prefixOf: namesBy(prefix, context.agent, { timeZone, round: roundOf(config) }),
      openMax,
    });
  },
});
