import {
  readCall,
  readReply,
  readThriftFrame,
  writeAppendBatch,
  writeStatus,
  writeUnknownCall,
} from "../../../shared/thrift-rpc/flume.ts";
import { protocolOf, ThriftMistake } from "../../../shared/thrift-rpc/protocol.ts";
import { mutateBytes } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

const headers = new Map([
  ["host", "h"],
  ["__proto__", "x"],
]);
const events = [
  { headers, body: Buffer.from("first") },
  { headers: new Map<string, string>(), body: Buffer.alloc(200) },
];
const message = { kind: "call", name: "append", serial: 7 } as const;
const frames = (["compact", "binary"] as const).flatMap((protocol) => [
  Buffer.from(writeAppendBatch(protocol, 7, events)),
  Buffer.from(writeStatus(protocol, message, 1)),
  Buffer.from(writeUnknownCall(protocol, message)),
]);
const frameBytesMax = 1024 * 1024;

/** Frames of Thrift's two protocols, of which nothing is believed. */
export const thriftFrames: FuzzTarget = {
  name: "Thrift's frames",
  try(random) {
    const bytes = mutateBytes(random, frames);
    try {
      const frame = readThriftFrame(bytes, frameBytesMax);
      const protocol = frame === undefined ? undefined : protocolOf(frame);
      if (frame === undefined || protocol === undefined) return;
      if (random.next() < 0.3) {
        readReply(protocol, frame);
        return;
      }
      const { events: found = [] } = readCall(protocol, frame, 100_000);
      const sum = found.reduce((total, { body }) => total + body.length, 0);
      if (sum > frame.length || found.length > frame.length)
        throw new Error(`more events than ${frame.length} bytes hold`);
    } catch (thrown) {
      if (!(thrown instanceof ThriftMistake)) throw thrown;
    }
  },
};
