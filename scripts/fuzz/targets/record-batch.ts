import { ArrivalBuilder } from "../../../central/consumer/kafka/arrival.ts";
import { decodeBatch } from "../../../central/consumer/kafka/decode-batch.ts";
import { plainRecord } from "../../../central/records/record-block.ts";
import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { signedBatch } from "../../../shared/kafka/testing/signed-batch.ts";
import type { Random } from "../../../shared/random/random.ts";
import { parseKeyList } from "../../../shared/signature/key-list.ts";
import { makeSigningKey, readSigningKey } from "../../../shared/signature/keys.ts";
import { mutateBytes, oneOf, pick } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const key = readSigningKey(makeSigningKey());
const keys = parseKeyList(key.ok ? `gw-1 ${key.value.publicText}` : "").keys;

function seed(compression: "none" | "gzip" | "zstd") {
  const identity = { agent: "gw-1", epoch: "e1", stream: "s", lane: 0 };
  const builder = new RecordBatchBuilder({ compression, identity });
  builder.begin(0);
  for (let seq = 0; seq < 5; seq++) {
    const value = Buffer.from(`value ${seq}`);
    const headers = { headerNames: ["file"], headerValues: ["/var/log/a.log"] };
    builder.append({
      buffer: value,
      start: 0,
      end: value.length,
      eventTimeMs: 1_700_000_000_000 + seq,
      key: seq % 2 === 0 ? "car-1" : undefined,
      ...headers,
    });
  }
  return builder.seal();
}

/** A message of format 1, alone. */
function legacy(): Buffer {
  const value = Buffer.from("old");
  const bytes = Buffer.alloc(12 + 22 + value.length);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(1, 16);
  bytes.writeInt32BE(-1, 26);
  bytes.writeInt32BE(value.length, 30);
  value.copy(bytes, 34);
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(16)), 12);
  return bytes;
}

const batches = (["none", "gzip", "zstd"] as const).map(seed);
const signed = key.ok ? batches.map((batch) => signedBatch(batch, key.value)) : [];
const seeds = [...batches.map(({ bytes }) => bytes), ...signed, legacy()];

/** Past the check of lengths and of the CRC, most of the time. */
function mended(random: Random, bytes: Buffer): Buffer {
  if (bytes.length < HEADER_BYTES || random.next() < 0.2) return bytes;
  bytes.writeInt32BE(bytes.length - 12, at.batchLength);
  if (random.next() < 0.3) bytes.writeInt16BE(oneOf(random, [0, 1, 2, 3, 4, 5, 8, 16, 32, 36]), at.attributes);
  if (bytes.readInt8(at.magic) === 2) bytes.writeUInt32BE(crc32c(bytes, at.attributes), at.crc);
  else bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(16)), 12);
  return bytes;
}

/** The centre's side: what a broker hands out becomes blocks or damaged ranges. */
export const fetchedBatches: FuzzTarget = {
  name: "fetched record batches",
  try(random) {
    const set = Buffer.concat(
      Array.from({ length: 1 + pick(random, 3) }, () => mended(random, Buffer.from(mutateBytes(random, seeds)))),
    );
    const frames = splitBatches(set);
    const raw = { topic: "t", partition: 0, errorCode: 0, highWatermark: 9, endOffset: 9, logStartOffset: 0 };
    const builder = new ArrivalBuilder(() => keys);
    for (let fetches = 0; fetches < 4; fetches++) builder.build({ ...raw, aborted: [], frames });
    for (const frame of frames) {
      const block = mayRefuse(() => decodeBatch(frame));
      if (block === undefined) continue;
      if (block.bytes.length > outputBytesMax) throw new Error(`${block.bytes.length} bytes came out`);
      for (let index = 0; index < block.count; index++) plainRecord(block, index);
    }
  },
};

/** The edge's side, for its own batches that a disk has damaged. */
export const storedBatches: FuzzTarget = {
  name: "stored record batches",
  try(random) {
    const bytes = mended(random, Buffer.from(mutateBytes(random, seeds.slice(0, 3))));
    mayRefuse(() => {
      for (const { key: name, value } of decodeRecords(bytes)) if (value.length + (name?.length ?? 0) < 0) return;
    });
  },
};
