import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { defineSource } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .meta({ description: "Where it listens on loopback; 0: any free port." }),
    sendersMax: z.int().min(1).default(1_000).meta({ description: "Requests that may wait at once." }),
    answerWithin: duration().prefault("30s").meta({ description: "How long a request waits for its answer." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;

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
