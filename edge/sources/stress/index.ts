import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { defineSource } from "../../core/define.ts";
import { limits } from "../../core/limits.ts";

const configSchema = () =>
  z.strictObject({
    size: byteSize({ min: 0, max: limits.lineBytesMax }).prefault(500).meta({ description: "Bytes of each event." }),
    totalEvents: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "How many there are to be after each start; without end when left out." }),
    eventsPerSecondMax: z
      .int()
      .min(1)
      .max(10_000_000)
      .optional()
      .meta({ description: "How many in a second; as fast as it goes when left out." }),
  });

/** Flume's `org.apache.flume.source.StressSource`. */
export default defineSource({
  type: "stress",
  summary: "Makes events for tests of load: all alike, of one size.",
  stability: "experimental",
  config: configSchema,
  example: { size: 500, eventsPerSecondMax: 10_000 },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async ({ size, totalEvents, eventsPerSecondMax }) => {
    const { GeneratorSource } = await import("../../records/generator-source.ts");
    // What Flume fills them with.
    const body = Buffer.alloc(size, 0x7f);
    return new GeneratorSource({ totalEvents, eventsPerSecondMax, isStored: false, body: () => body });
  },
});
