import type { NewTopic } from "../connection/link.ts";
import type { Message } from "../message.ts";

/** CreateTopics, api 19, version 4. */
export function createTopicMessage(topic: NewTopic): Message<{ errorCode: number; message: string | undefined }> {
  return {
    name: "CreateTopics",
    apiKey: 19,
    version: 4,
    write: (to) => {
      to.list([topic], (each) => {
        to.string(each.topic).int32(each.partitions).int16(each.replicationFactor).int32(0);
        to.list(Object.entries(each.settings), ([name, value]) => to.string(name).string(value));
      });
      to.int32(10_000).int8(0);
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

const topicResource = 2;

/** DescribeConfigs, api 32, version 1: all settings of a topic. */
export function describeConfigsMessage(
  topic: string,
): Message<{ errorCode: number; settings: ReadonlyMap<string, string> }> {
  return {
    name: "DescribeConfigs",
    apiKey: 32,
    version: 1,
    write: (to) => {
      to.list([topic], (name) => to.int8(topicResource).string(name).int32(-1)).int8(0);
    },
    read: (from) => {
      from.int32(); // throttle
      const settings = new Map<string, string>();
      const [errorCode = -1] = from.list(() => {
        const code = from.int16();
        from.string(); // message
        from.int8(); // resource type
        from.string(); // resource name
        from.list(() => {
          const name = from.string() ?? "";
          const value = from.string();
          from.int8(); // read only
          from.int8(); // source
          from.int8(); // sensitive
          from.list(() => [from.string(), from.string(), from.int8()]); // synonyms
          if (value !== undefined) settings.set(name, value);
        });
        return code;
      });
      return { errorCode, settings };
    },
  };
}
