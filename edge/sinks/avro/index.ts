import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.sink.AvroSink. */
export default defineSink({
  type: "avro",
  summary: "Sends events to Flume's Avro source (or to ours), many in a request, at least once.",
  stability: "experimental",
  config: configSchema,
  example: { hostname: "collector.example", port: 4545 },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const [{ RecordSink }, { avroDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { batchSize: recordsMax, batchBytes: bytesMax } = config;
    return new RecordSink(context, { destination: avroDestination(config, context), recordsMax, bytesMax });
  },
});
