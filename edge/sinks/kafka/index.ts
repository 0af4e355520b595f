import { defineSink } from "../../core/define.ts";
import { Config } from "./config.ts";
import { routingOf } from "./routing.ts";
import { KafkaSink } from "./sink.ts";

export default defineSink({
  type: "kafka",
  summary: "Sends record batches to Kafka as they stand in the channel, each exactly once.",
  stability: "stable",
  config: Config,
  example: { brokers: ["127.0.0.1:9092"], topic: "driving" },
  create: (config, context) => new KafkaSink(config, context),
  routing: routingOf,
});
