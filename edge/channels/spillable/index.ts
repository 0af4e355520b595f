import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { batchFields, batchSettings } from "../../core/channel-fields.ts";
import { defineChannel } from "../../core/define.ts";

const MiB = 1024 * 1024;

const configSchema = () =>
  z.strictObject({
    memoryCapacity: byteSize({ min: MiB })
      .prefault("32MiB")
      .meta({ description: "Memory that held batches may take before the oldest are written to the disk." }),
    overflowCapacity: byteSize({ min: 16 * MiB })
      .prefault("2GiB")
      .meta({
        description: "Disk for batches that found no room in memory. When it is full, sources wait.",
      }),
    freeDisk: byteSize().prefault("256MiB").meta({
      description: "Disk space that must stay free for others: with less, nothing more is written to the disk.",
    }),
    ...batchFields,
  });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineChannel({
  type: "spillable",
  summary:
    "Holds batches in memory while the sinks keep up, and in the agent's SQLite file when they do not, or when the agent stops. At least once, not exactly once: what only memory holds is lost by a kill.",
  stability: "experimental",
  config: configSchema,
  example: { memoryCapacity: "32MiB", overflowCapacity: "2GiB" },
  keeping: "memory",
  bounds: (config) => ({
    settings: batchSettings(config),
    bytesMax: config.memoryCapacity + config.overflowCapacity,
    ttlMs: undefined,
  }),
  stored,
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, { name, agent, clock, store, report }) => {
    const { SpillableChannel } = await import("./spillable-channel.ts");
    const { memoryCapacity: memoryBytesMax } = config;
    const settings = batchSettings(config);
    return new SpillableChannel({ name, agent, settings, memoryBytesMax, store, clock, report });
  },
});

function stored(config: Config) {
  return {
    settings: batchSettings(config),
    bytesMax: config.overflowCapacity,
    full: "block" as const,
    freeBytesMin: config.freeDisk,
    ttlMs: undefined,
    keptBytes: 0,
  };
}
