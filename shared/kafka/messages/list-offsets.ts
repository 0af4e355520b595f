import type { Message } from "../message.ts";

/** ListOffsets, api 2: the end of a partition's log (timestamp -1), uncommitted records included. Version 2 knows isolation levels. */
export function endOffsetMessage(topic: string, partition: number): Message<{ errorCode: number; offset: number }> {
  return {
    name: "ListOffsets",
    apiKey: 2,
    versions: { min: 2, max: 3 },
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
