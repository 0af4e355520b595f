import type { LogSlice } from "../connection/link.ts";
import type { Message } from "../message.ts";

/** ListOffsets, api 2, version 2: the end of the log (timestamp -1). */
export function endOffsetMessage(topic: string, partition: number): Message<{ errorCode: number; offset: number }> {
  return {
    name: "ListOffsets",
    apiKey: 2,
    version: 2,
    write: (to) => {
      to.int32(-1).int8(0);
      to.list([topic], (name) => to.string(name).list([partition], (index) => to.int32(index).int64(-1)));
    },
    read: (from) => {
      from.int32(); // throttle
      const [answer] = from
        .list(() => {
          from.string(); // topic
          return from.list(() => {
            from.int32(); // partition
            const errorCode = from.int16();
            from.int64(); // timestamp
            return { errorCode, offset: from.long() };
          });
        })
        .flat();
      if (answer === undefined) throw new RangeError(`the answer leaves out ${topic}/${partition}`);
      return answer;
    },
  };
}

const sliceBytesMax = 1024 * 1024;

/** Fetch, api 1, version 10 (the first that hands out zstd), one partition, no session, no waiting. */
export function readLogMessage(topic: string, partition: number, offset: number): Message<LogSlice> {
  return {
    name: "Fetch",
    apiKey: 1,
    version: 10,
    write: (to) => {
      to.int32(-1).int32(0).int32(1).int32(sliceBytesMax).int8(0).int32(0).int32(-1);
      to.list([topic], (name) =>
        to
          .string(name)
          .list([partition], (index) => to.int32(index).int32(-1).int64(offset).int64(-1).int32(sliceBytesMax)),
      );
      to.int32(0); // nothing forgotten
    },
    read: (from) => {
      from.int32(); // throttle
      const errorOfAll = from.int16();
      from.int32(); // session
      const [slice] = from
        .list(() => {
          from.string(); // topic
          return from.list(() => {
            from.int32(); // partition
            const errorCode = from.int16();
            const highWatermark = from.long();
            from.int64(); // last stable offset
            const logStartOffset = from.long();
            from.list(() => [from.int64(), from.int64()]); // aborted transactions; null reads as none
            return { errorCode, highWatermark, logStartOffset, bytes: from.bytes() };
          });
        })
        .flat();
      return slice ?? { errorCode: errorOfAll, highWatermark: -1, logStartOffset: -1, bytes: Buffer.alloc(0) };
    },
  };
}
