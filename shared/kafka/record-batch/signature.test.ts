import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeSigningKey, readPublicKey, readSigningKey, type SigningKey } from "../../signature/keys.ts";
import { signedBatch } from "../testing/signed-batch.ts";
import { RecordBatchBuilder } from "./builder.ts";
import { crc32c } from "./crc32c.ts";
import { at, crcMatches, HEADER_BYTES, readBatchHeader } from "./header.ts";
import { decodeRecords } from "./records.ts";
import { type BatchBytes, findSignature, SIGNATURE_BYTES } from "./signature.ts";

const golden = (name: string) => readFileSync(join(import.meta.dir, "golden", name));

/** A key that is the same in every run. */
const fixedPem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----`;

function keyOf(pem: string): SigningKey {
  const read = readSigningKey(pem);
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

function publicOf(key: SigningKey) {
  const read = readPublicKey(key.publicText);
  if (!read.ok) throw new Error(read.message);
  return read.value.key;
}

function batchOf(codec: "none" | "gzip" | "zstd"): BatchBytes {
  const bytes = golden(`v1-${codec}.bin`);
  return { bytes, recordsCrc: crc32c(bytes, HEADER_BYTES) };
}

const key = keyOf(fixedPem);
const believed = publicOf(key);

/** As the centre asks: the key is looked up by the name in the batch. */
function isSigned(batch: Buffer): boolean {
  const found = findSignature(batch);
  return found?.keyId === key.id.toString("hex") && found.verifiedBy(believed);
}

describe("a signed batch", () => {
  test("has the bytes that it had in the first version", () => {
    expect(signedBatch(batchOf("zstd"), key).toString("hex")).toBe(golden("v1-zstd-signed.bin").toString("hex"));
  });

  test.each(["none", "gzip", "zstd"] as const)("of codec %s has the records of the plain one, as zstd", (codec) => {
    const plain = batchOf(codec);
    const before = Buffer.from(plain.bytes);
    const bytes = signedBatch(plain, key);
    expect([...decodeRecords(bytes)]).toEqual([...decodeRecords(plain.bytes)]);
    expect(plain.bytes).toEqual(before);
    expect(crcMatches(bytes)).toBe(true);
    expect(readBatchHeader(bytes)).toMatchObject({ bytes: bytes.length, codecNumber: 4 });
    expect(isSigned(bytes)).toBe(true);
  });

  test("is the same however often it is signed", () => {
    expect(signedBatch(batchOf("zstd"), key)).toEqual(signedBatch(batchOf("zstd"), key));
  });

  test("keeps its signature when a producer stamps it and a broker gives it its place and time", () => {
    const stamp = { producerId: 77n, producerEpoch: 3, baseSequence: 12, shiftMs: -5_000 };
    const bytes = signedBatch(batchOf("zstd"), key, stamp);
    expect(crcMatches(bytes)).toBe(true);
    expect(isSigned(bytes)).toBe(true);
    bytes.writeBigInt64BE(4_711n, at.baseOffset);
    bytes.writeInt32BE(9, at.partitionLeaderEpoch);
    bytes.writeInt16BE(bytes.readInt16BE(at.attributes) | 8, at.attributes);
    bytes.writeBigInt64BE(1_800_000_000_000n, at.maxTimestamp);
    bytes.writeUInt32BE(crc32c(bytes, at.attributes), at.crc);
    expect(isSigned(bytes)).toBe(true);
  });

  test("is none any more with one bit of its records, its count or its signature changed", () => {
    const bytes = signedBatch(batchOf("zstd"), key);
    for (let place = at.recordCount; place < bytes.length; place++) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      expect(isSigned(changed)).toBe(false);
    }
  });

  test("cannot lend its signature to other records, nor to its own records with more beside them", () => {
    const signed = signedBatch(batchOf("zstd"), key);
    const signature = signed.subarray(signed.length - SIGNATURE_BYTES);
    const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
    builder.begin(0);
    for (const { value, timeMs } of decodeRecords(signed)) {
      builder.append({
        buffer: value,
        start: 0,
        end: value.length - 1,
        eventTimeMs: timeMs,
        key: undefined,
        headerNames: [],
        headerValues: [],
      });
    }
    const other = signedBatch(builder.seal(), keyOf(makeSigningKey()));
    const moved = Buffer.concat([other.subarray(0, -SIGNATURE_BYTES), signature]);
    const records = signed.subarray(HEADER_BYTES, -SIGNATURE_BYTES);
    const doubled = Buffer.concat([signed.subarray(0, HEADER_BYTES), records, records, signature]);
    for (const forged of [moved, doubled]) {
      expect(findSignature(forged)?.keyId).toBe(key.id.toString("hex"));
      expect(isSigned(forged)).toBe(false);
    }
  });

  test("is not believed by another key", () => {
    const bytes = signedBatch(batchOf("zstd"), key);
    expect(findSignature(bytes)?.verifiedBy(publicOf(keyOf(makeSigningKey())))).toBe(false);
  });
});

test("a plain batch, a short one, and one of another codec have no signature", () => {
  for (const codec of ["none", "gzip", "zstd"] as const) expect(findSignature(batchOf(codec).bytes)).toBeUndefined();
  const signed = signedBatch(batchOf("zstd"), key);
  signed.writeInt16BE(1, at.attributes);
  expect(findSignature(signed)).toBeUndefined();
  expect(findSignature(signedBatch(batchOf("zstd"), key).subarray(0, HEADER_BYTES + 10))).toBeUndefined();
});
