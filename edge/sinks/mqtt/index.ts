import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none. */
export default defineSink({
  type: "mqtt",
  summary:
    "Publishes events to topics of an MQTT broker (3.1.1 and 5, QoS 1), at least once. What was under way when a connection broke comes again, and the broker does not recognise it; with MQTT 5 each event carries its id as a user property.",
  stability: "experimental",
  config: configSchema,
  example: { broker: "127.0.0.1:1883", topic: "vehicles/%{key}/status" },
  create: async (config, context) => {
    const [{ RecordSink }, { MqttDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { recordsMax, bytesMax } = config;
    return new RecordSink(context, { destination: new MqttDestination(config, context), recordsMax, bytesMax });
  },
});
