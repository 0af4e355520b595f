import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

export default defineSink({
  type: "relay",
  summary: "Sends record batches straight to central over HTTP, as they stand in the channel: no Kafka is needed.",
  stability: "experimental",
  config: configSchema,
  example: { url: "https://central.example.com:8443", token: "the-key-that-central-knows" },
  needsIdentity: true,
  create: async (config, context) => {
    const { RelaySink } = await import("./sink.ts");
    return new RelaySink(config, context);
  },
});
