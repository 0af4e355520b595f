import { defineSink } from "../../core/define.ts";
import { Config } from "./config.ts";
import { layoutOf } from "./layout.ts";
import { KafkaSink } from "./sink.ts";

export default defineSink({
  type: "kafka",
  summary: "Sends record batches to Kafka as they stand in the channel, each exactly once.",
  stability: "stable",
  config: Config,
  example: { brokers: ["127.0.0.1:9092"], topic: "driving" },
  create: (config, context) => new KafkaSink(config, context),
  layout: layoutOf,
});
