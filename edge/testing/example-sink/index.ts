import { z } from "zod";
import { defineSink } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
    url: z.url().meta({ description: "Where events are posted to." }),
    recordsMax: z.int().min(1).default(500).meta({ description: "Events of one request." }),
    token: z.string().optional().meta({ description: "Sent as a bearer token." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;

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
