import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none. */
export default defineSource({
  type: "mqtt",
  summary:
    "Subscribes to topics of an MQTT broker (3.1.1 and 5); each message is acknowledged when it is durable, so that none is lost. One that was stored and not yet acknowledged comes again.",
  stability: "experimental",
  config: configSchema,
  example: { broker: "127.0.0.1:1883", topics: ["vehicles/+/status"], key: "topic" },
  create: async (config, context) => {
    const { MqttSource } = await import("./source.ts");
    return new MqttSource(config, context);
  },
});
