import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

export default defineSource({
  type: "relay",
  summary:
    "Takes what the relay sinks of other agents send, as central does: an answer comes when the records are durable, and each record is taken once, also after a kill.",
  stability: "experimental",
  config: configSchema,
  example: { address: "127.0.0.1:5142", tokens: ["the-key-that-its-senders-know"] },
  carries: ({ take }) => take === "batches",
  create: async (config, context) => {
    const { RelaySource } = await import("./source.ts");
    return new RelaySource(config, context);
  },
});
