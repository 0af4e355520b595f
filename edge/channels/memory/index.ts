import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { defineChannel } from "../../core/define.ts";
import { limits } from "../../core/limits.ts";

const Config = z.strictObject({
  capacity: byteSize({ min: 1024 * 1024 })
    .prefault("32MiB")
    .meta({ description: "Memory that held batches may take." }),
  full: z
    .enum(["block", "drop_oldest", "drop_newest"])
    .default("block")
    .meta({ description: "What happens when the channel is full; see the sqlite channel." }),
  ttl: duration({ min: 1_000 })
    .optional()
    .meta({ description: "Batches that wait longer are dropped, counted, unsent." }),
  compression: z
    .enum(["zstd", "gzip", "none"])
    .default("zstd")
    .meta({ description: "Compression of the record batches, done once at put; consumers see it." }),
  identity: z
    .boolean()
    .default(true)
    .meta({ description: "Whether every record carries the identity header. Without it there is no ledger." }),
  batchSize: byteSize({ min: 1024, max: limits.batchBytesMax })
    .prefault("256KiB")
    .meta({ description: "Uncompressed bytes at which a batch is full." }),
});

export default defineChannel({
  type: "memory",
  summary:
    "Holds batches in memory: nothing of a file is lost, because its position moves on delivery, but after a crash what was under way is read and sent again. No exactly once.",
  stability: "stable",
  config: Config,
  example: { capacity: "32MiB" },
  choose: (config) => ({
    type: "memory",
    settings: {
      compression: config.compression,
      identity: config.identity,
      batchBytesMax: config.batchSize,
    },
    bytesMax: config.capacity,
    full: config.full,
    freeBytesMin: 0,
    ttlMs: config.ttl,
    keptBytes: 0,
  }),
});

export { createMemoryChannels } from "./memory-channels.ts";
