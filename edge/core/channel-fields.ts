import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import type { ChannelSettings } from "./channel.ts";
import { limits } from "./limits.ts";

/** Config fields that every channel has, whatever its type: how batches are built at put. */
export const batchFields = {
  compression: z.enum(["zstd", "gzip", "none"]).default("zstd").meta({
    description:
      "Compression of the record batches. It is done once, when events are put into the channel; consumers of the topic get it so.",
  }),
  identity: z.boolean().default(true).meta({
    description:
      "Whether every record carries the identity header. Without it the centre finds neither gaps nor repeats.",
  }),
  // As large as one Kafka message may be by default: a batch costs a commit's pages, a request and an answer whatever its size.
  batchSize: byteSize({ min: 1024, max: limits.batchBytesMax }).prefault("960KiB").meta({
    description:
      "How large a batch may be, as it is stored and sent. Before compression its records may have up to four times as many bytes.",
  }),
};

interface BatchConfig {
  readonly compression: ChannelSettings["compression"];
  readonly identity: boolean;
  readonly batchSize: number;
}

/** What these fields say, as the engine wants it. */
export function batchSettings({ compression, identity, batchSize }: BatchConfig): ChannelSettings {
  return { compression, identity, batchBytesMax: batchSize };
}
