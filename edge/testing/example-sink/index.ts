import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** An example of a record sink, used by tests: what it takes to add one is this folder. */
export default defineSink({
  type: "example_post",
  summary: "Posts events to an HTTP server, one JSON object a line.",
  stability: "experimental",
  config: configSchema,
  example: { url: "http://127.0.0.1:8080/events" },
  create: async (config, context) => {
    const [{ RecordSink }, { PostDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const destination = new PostDestination(config);
    return new RecordSink(context, {
      destination,
      recordsMax: config.recordsMax,
      bytesMax: 1024 * 1024,
      writersMax: 2,
    });
  },
});
