import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";
import type { Compression } from "../../shared/kafka/record-batch/compression.ts";
import { crc32c } from "../../shared/kafka/record-batch/crc32c.ts";
import { at } from "../../shared/kafka/record-batch/header.ts";

const identity = { agent: "gw1", epoch: "e1", stream: "drive", lane: 3 };

/** A batch as it lies in a topic: numbered from 100, keys `car-0` … `car-2`, 40 s between records. */
export function topicBatch(baseOffset: number, lines: readonly string[], compression: Compression = "zstd"): Buffer {
  const builder = new RecordBatchBuilder({ compression, identity });
  builder.begin(100);
  lines.forEach((line, index) => {
    const bytes = Buffer.from(line);
    const timeMs = 1_760_000_000_000 + index * 40_000;
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: timeMs,
      key: `car-${index % 3}`,
      headerNames: [],
      headerValues: [],
    });
  });
  const { bytes } = builder.seal();
  bytes.writeBigInt64BE(BigInt(baseOffset), at.baseOffset);
  return bytes;
}

/** After a change to what the CRC covers. */
export function mendCrc(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch, at.attributes), at.crc);
  return batch;
}
