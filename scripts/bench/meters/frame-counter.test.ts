import { expect, test } from "bun:test";
import { apiKeys } from "../../drivers/faults/kafka-frames.ts";
import { FrameCounter } from "./frame-counter.ts";

function frame(apiKey: number, bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(6 + bodyBytes, 0xff);
  bytes.writeInt32BE(2 + bodyBytes, 0);
  bytes.writeInt16BE(apiKey, 4);
  return bytes;
}

test("requests are counted by api key wherever the stream is cut", () => {
  const stream = Buffer.concat([frame(18, 30), frame(3, 0), frame(apiKeys.produce, 5000), frame(apiKeys.produce, 1)]);
  for (const size of [1, 3, 6, 7, 1000, stream.length]) {
    const counter = new FrameCounter();
    for (let at = 0; at < stream.length; at += size) counter.push(stream.subarray(at, at + size));
    expect(counter.count(apiKeys.produce)).toBe(2);
    expect(counter.count(18)).toBe(1);
    expect(counter.count(3)).toBe(1);
    expect(counter.count(60)).toBe(0);
    expect(counter.bytes).toBe(stream.length);
  }
});
