import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { batchFields, batchSettings } from "../../core/channel-fields.ts";
import { defineChannel } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
    room: byteSize({ min: 1024 * 1024 })
      .prefault("64MiB")
      .meta({ description: "Disk that held batches may take." }),
    ...batchFields,
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** An example of a channel with words of its own over the agent's file, used by tests: to add one is this folder. */
export default defineChannel({
  type: "example_shelf",
  summary: "Holds batches in the agent's file; what does not fit any more is dropped, the oldest first.",
  stability: "experimental",
  config: configSchema,
  example: { room: "64MiB" },
  keeping: "store",
  bounds: ({ room, ...config }: Config) => ({ settings: batchSettings(config), bytesMax: room, ttlMs: undefined }),
  stored: ({ room, ...config }: Config) => ({
    settings: batchSettings(config),
    bytesMax: room,
    full: "drop_oldest",
    freeBytesMin: 0,
    ttlMs: undefined,
    keptBytes: 0,
  }),
  create: (_config, { store, name }) => store.channel(name),
});
