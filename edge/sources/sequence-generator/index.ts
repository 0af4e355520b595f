import { z } from "zod";
import { defineSource } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
    totalEvents: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "How many events are made; without end when left out." }),
    eventsPerSecondMax: z
      .int()
      .min(1)
      .max(10_000_000)
      .optional()
      .meta({ description: "How many in a second; as fast as it goes when left out." }),
  });

/** Flume's `seq` (org.apache.flume.source.SequenceGeneratorSource). It begins at 0 with each start; this one goes on. */
export default defineSource({
  type: "sequence_generator",
  summary:
    "Makes events for tests: the numbers from 0 on, as text. After a restart it goes on where it was, so that each number comes once.",
  stability: "experimental",
  config: configSchema,
  example: { totalEvents: 1_000_000, eventsPerSecondMax: 1_000 },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async ({ totalEvents, eventsPerSecondMax }) => {
    const { GeneratorSource } = await import("../../records/generator-source.ts");
    return new GeneratorSource({
      totalEvents,
      eventsPerSecondMax,
      isStored: true,
      body: (number) => Buffer.from(String(number)),
    });
  },
});
