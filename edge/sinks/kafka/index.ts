import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";
import { layoutOf } from "./layout.ts";

export default defineSink({
  type: "kafka",
  summary: "Sends record batches to Kafka as they stand in the channel, each exactly once.",
  stability: "stable",
  config: configSchema,
  example: { brokers: ["127.0.0.1:9092"], topic: "driving" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { KafkaSink } = await import("./sink.ts");
    return new KafkaSink(config, context);
  },
  layout: layoutOf,
});
