import { expect, test } from "bun:test";
import { readCall, readReply, readThriftFrame, writeAppendBatch, writeStatus, writeUnknownCall } from "./flume.ts";
import { protocolOf, ThriftMistake } from "./protocol.ts";

const protocols = ["compact", "binary"] as const;
const payload = (frame: Buffer) => readThriftFrame(frame, 1e9) ?? Buffer.alloc(0);
const sizes = [0, 1, 14, 15, 16, 127, 128, 300, 20_000];

test.each(protocols)("%s: what is written is read again, at every size of lists, maps and bodies", (protocol) => {
  for (const size of sizes) {
    const headers = new Map(
      Array.from({ length: Math.min(size, 300) }, (_, index) => [`h${index}`, `w\u00e4${index}`]),
    );
    const body = Buffer.alloc(size, 0xfe);
    const events = Array.from({ length: Math.min(size, 300) }, () => ({ headers, body }));
    const call = payload(writeAppendBatch(protocol, size, events));
    expect(protocolOf(call)).toBe(protocol);
    const found = readCall(protocol, call, 1_000);
    expect(found.message).toEqual({ kind: "call", name: "appendBatch", serial: size });
    expect(found.events).toEqual(events.map(() => ({ headers: Object.fromEntries(headers), body })));
  }
});

test.each(protocols)("%s: answers, and what there is no call for", (protocol) => {
  const message = { kind: "call", name: "appendBatch", serial: 70_000 } as const;
  for (const status of [0, 1, 300]) {
    expect(readReply(protocol, payload(writeStatus(protocol, message, status)))).toEqual({ serial: 70_000, status });
  }
  const unknown = payload(writeUnknownCall(protocol, { ...message, name: "ping" }));
  expect(readReply(protocol, unknown)).toEqual({ serial: 70_000, error: 'there is no call "ping"' });
});

test.each(protocols)(
  "%s: a call that ends anywhere, or has other bytes in it, is a mistake and nothing worse",
  (protocol) => {
    const events = [{ headers: new Map([["a", "b"]]), body: Buffer.from("hello") }];
    const call = payload(writeAppendBatch(protocol, 1, events));
    const tryIt = (bytes: Buffer) => {
      try {
        readCall(protocol, bytes, 10);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(ThriftMistake);
      }
    };
    for (let end = 0; end < call.length; end++) {
      expect(() => readCall(protocol, call.subarray(0, end), 10)).toThrow(ThriftMistake);
      for (const value of [0, 1, 0x0f, 0x7f, 0x80, 0xff]) {
        const bytes = Buffer.from(call);
        bytes[end] = value;
        tryIt(bytes);
      }
    }
  },
);
