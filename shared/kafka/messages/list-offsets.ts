import type { Message } from "../message.ts";

/** ListOffsets, api 2: the end of a partition's log (timestamp -1), uncommitted records included. Version 2 knows isolation levels. */
export function endOffsetMessage(topic: string, partition: number): Message<{ errorCode: number; offset: number }> {
  return offsetMessage(topic, partition, -1, 0);
}

/** What a reader of committed records may ask for: the log's start, its end, or the first record of that time or later. */
export type OffsetQuestion = "start" | "end" | { readonly timeMs: number };

/** The offset; -1 when there is no record of that time or later. */
export function committedOffsetMessage(
  topic: string,
  partition: number,
  question: OffsetQuestion,
): Message<{ errorCode: number; offset: number }> {
  const time = question === "start" ? -2 : question === "end" ? -1 : question.timeMs;
  return offsetMessage(topic, partition, time, 1);
}

function offsetMessage(
  topic: string,
  partition: number,
  time: number,
  isolation: 0 | 1,
): Message<{ errorCode: number; offset: number }> {
  return {
    name: "ListOffsets",
    apiKey: 2,
    versions: { min: 2, max: 3 },
    write: (to) => {
      to.int32(-1).int8(isolation);
      to.list([topic], (name) => to.string(name).list([partition], (index) => to.int32(index).int64(time)));
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
