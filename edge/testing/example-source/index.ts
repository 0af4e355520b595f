import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** An example of a push source, used by tests: what it takes to add one is this folder. */
export default defineSource({
  type: "example_push",
  summary: "Takes events over HTTP, one JSON object a line, and answers when they are durable.",
  stability: "experimental",
  config: configSchema,
  example: { port: 0 },
  create: async (config, context) => {
    const { ExamplePushSource } = await import("./source.ts");
    return new ExamplePushSource(config, context);
  },
});
