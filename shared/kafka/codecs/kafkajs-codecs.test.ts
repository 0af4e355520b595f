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

test("a codec that we lack fails with its name", async () => {
  await expect(CompressionCodecs[CompressionTypes.Snappy]().decompress(Buffer.alloc(1))).rejects.toThrow("snappy");
  await expect(CompressionCodecs[CompressionTypes.LZ4]().decompress(Buffer.alloc(1))).rejects.toThrow("lz4");
});
