import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none of its own: its HDFS sink wrote there through Hadoop's s3a. */
export default defineSink({
  type: "s3",
  summary:
    "Writes objects to S3 or a server that speaks it; every event is in one object, because a retry writes over the same name.",
  stability: "experimental",
  config: configSchema,
  example: { bucket: "telemetry", accessKeyId: "edge", secretAccessKey: "secret", endpoint: "http://127.0.0.1:9000" },
  create: async (config, context) => {
    const [{ ObjectSink }, { lineFormat }, { namesBy }, { rollOf, roundOf }, { BucketDestination }] = await Promise.all(
      [
        import("../../records/objects/object-sink.ts"),
        import("../../records/objects/object-format.ts"),
        import("../../records/objects/object-names.ts"),
        import("../../records/objects/roll-fields.ts"),
        import("./destination.ts"),
      ],
    );
    const { prefix, timeZone, maxOpenFiles: openMax } = config;
    return new ObjectSink(context, {
      destination: new BucketDestination(config),
      format: lineFormat(config),
      roll: rollOf(config),
      prefixOf: namesBy(prefix, context.agent, { timeZone, round: roundOf(config) }),
      openMax,
    });
  },
});
