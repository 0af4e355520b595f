import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.sink.http.HttpSink, with many events a request. */
export default defineSink({
  type: "http",
  summary: "Posts events to an HTTP server, many in a request, at least once, each with its id.",
  stability: "experimental",
  config: configSchema,
  example: { url: "https://collector.example/events" },
  create: async (config, context) => {
    const [{ RecordSink }, { HttpDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { recordsMax, bytesMax, requestsMax: writersMax } = config;
    return new RecordSink(context, { destination: new HttpDestination(config), recordsMax, bytesMax, writersMax });
  },
});
