import { expect, test } from "bun:test";
import { createZstdCompress } from "node:zlib";
import { CompressionCodecs, CompressionTypes } from "kafkajs";
import { registerCodecs } from "./kafkajs-codecs.ts";

registerCodecs();

test("reads zstd that was streamed without its content size, as Kafka's Java client writes it", async () => {
  const text = Buffer.from("tyre pressure front left ".repeat(10_000));
  const stream = createZstdCompress();
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => stream.on("end", resolve));
  for (let at = 0; at < text.length; at += 10_000) stream.write(text.subarray(at, at + 10_000));
  stream.end();
  await ended;
  const back = await CompressionCodecs[CompressionTypes.ZSTD]().decompress(Buffer.concat(chunks));
  expect(Buffer.compare(back, text)).toBe(0);
});

test("reads snappy and lz4, as other producers write them; damaged bytes are called corrupt", async () => {
  const snappy = CompressionCodecs[CompressionTypes.Snappy]();
  const lz4 = CompressionCodecs[CompressionTypes.LZ4]();
  expect(String(await snappy.decompress(Buffer.from([3, 2 << 2, 97, 98, 99])))).toBe("abc");
  const frame = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0, 3, 0, 0, 0x80, 97, 98, 99, 0, 0, 0, 0]);
  expect(String(await lz4.decompress(frame))).toBe("abc");
  for (const codec of [snappy, lz4]) {
    await expect(codec.decompress(Buffer.from([5]))).rejects.toMatchObject({ code: "RECORD_BATCH_CORRUPT" });
  }
});
