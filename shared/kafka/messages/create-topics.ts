import type { NewTopic } from "../connection/link.ts";
import type { Message } from "../message.ts";

/** How a topic is asked for. */
export interface CreateTopicsOptions {
  /** Only asks whether it would be made. */
  readonly validateOnly?: boolean;
}

/** CreateTopics, api 19, of one topic. Version 4 knows the broker's defaults (KIP-464). */
export function createTopicMessage(
  topic: NewTopic,
  options: CreateTopicsOptions = {},
): Message<{ errorCode: number; message: string | undefined }> {
  return {
    name: "CreateTopics",
    apiKey: 19,
    versions: { min: 2, max: 4 },
    write: (to) => {
      to.list([topic], (each) => {
        to.string(each.topic).int32(each.partitions).int16(each.replicationFactor).int32(0);
        to.list(Object.entries(each.settings), ([name, value]) => to.string(name).string(value));
      });
      to.int32(10_000).int8(options.validateOnly === true ? 1 : 0);
    },
    read: (from) => {
      from.int32(); // throttle
      const [answer] = from.list(() => {
        from.string(); // topic
        return { errorCode: from.int16(), message: from.string() };
      });
      if (answer === undefined) throw new RangeError(`the answer leaves out ${topic.topic}`);
      return answer;
    },
  };
}
