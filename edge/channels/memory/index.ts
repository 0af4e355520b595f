import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { batchFields, batchSettings } from "../../core/channel-fields.ts";
import { defineChannel } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
    capacity: byteSize({ min: 1024 * 1024 })
      .prefault("32MiB")
      .meta({ description: "Memory that held batches may take." }),
    full: z
      .enum(["block", "drop_oldest", "drop_newest"])
      .default("block")
      .meta({ description: "What happens when the channel is full; see the sqlite channel." }),
    ttl: duration({ min: 1_000 }).optional().meta({ description: "Batches that wait longer are dropped and counted." }),
    ...batchFields,
  });

export default defineChannel({
  type: "memory",
  summary:
    "Holds batches in memory. Nothing of a file is lost, because its position moves on delivery. After a crash what was under way is read and sent again: at least once, not exactly once.",
  stability: "stable",
  config: configSchema,
  example: { capacity: "32MiB" },
  keeping: "memory",
  bounds,
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, { name, agent, clock, store }) => {
    const { MemoryChannel } = await import("./memory-channel.ts");
    return new MemoryChannel({ name, agent, ...bounds(config), full: config.full, epoch: () => store.epoch, clock });
  },
});

function bounds(config: z.output<ReturnType<typeof configSchema>>) {
  return { settings: batchSettings(config), bytesMax: config.capacity, ttlMs: config.ttl };
}
