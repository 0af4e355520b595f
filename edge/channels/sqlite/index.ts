import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { batchFields, batchSettings } from "../../core/channel-fields.ts";
import { defineChannel } from "../../core/define.ts";
import { limits } from "../../core/limits.ts";

const MiB = 1024 * 1024;

const configSchema = () =>
  z.strictObject({
    capacity: byteSize({ min: 16 * MiB })
      .prefault("2GiB")
      .meta({
        description: "Disk that held batches may take. The file, its log and the reserve take some 150 MB more.",
      }),
    full: z.enum(["block", "drop_oldest", "drop_newest"]).default("block").meta({
      description:
        "What happens when the channel is full. `block`: the source waits (its file is the buffer). `drop_oldest`: the oldest unsent batches are dropped. `drop_newest`: new events are dropped. Everything dropped is counted.",
    }),
    freeDisk: byteSize()
      .prefault("256MiB")
      .meta({ description: "Disk space that must stay free for others: with less, the channel counts as full." }),
    ttl: duration({ min: 1_000 }).optional().meta({
      description:
        "Batches that wait longer are dropped and counted. Measured by uptime: time in which the machine was off does not count.",
    }),
    keep: byteSize({ max: 64 * MiB })
      .prefault(limits.keptBytes)
      .meta({ description: "Delivered batches kept, so that what a broker lost can be sent again." }),
    ...batchFields,
  });

export default defineChannel({
  type: "sqlite",
  summary: "Holds batches in the agent's SQLite file until they are delivered: they survive kill -9 and power cuts.",
  stability: "stable",
  config: configSchema,
  example: { capacity: "2GiB", full: "block" },
  keeping: "store",
  bounds: (config) => ({ settings: batchSettings(config), bytesMax: config.capacity, ttlMs: config.ttl }),
  stored: (config) => ({
    settings: batchSettings(config),
    bytesMax: config.capacity,
    full: config.full,
    freeBytesMin: config.freeDisk,
    ttlMs: config.ttl,
    keptBytes: config.keep,
  }),
  flume: async () => (await import("./flume.ts")).mappings,
  create: (_config, { store, name }) => store.channel(name),
});
