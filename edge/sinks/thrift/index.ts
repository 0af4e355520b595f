import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.sink.ThriftSink. */
export default defineSink({
  type: "thrift",
  summary: "Sends events to Flume's Thrift source (or to ours), many in a call, at least once.",
  stability: "experimental",
  config: configSchema,
  example: { hostname: "collector.example", port: 4353 },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const [{ RecordSink }, { thriftDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { batchSize: recordsMax, batchBytes: bytesMax } = config;
    return new RecordSink(context, { destination: thriftDestination(config, context), recordsMax, bytesMax });
  },
});
