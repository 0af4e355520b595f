import type { Message } from "../message.ts";

const topicResource = 2;

/** DescribeConfigs, api 32: all settings of a topic. Version 1 says where a value comes from, 3 what type it has. */
export function describeConfigsMessage(
  topic: string,
): Message<{ errorCode: number; settings: ReadonlyMap<string, string> }> {
  return {
    name: "DescribeConfigs",
    apiKey: 32,
    versions: { min: 1, max: 3 },
    write: (to, version) => {
      to.list([topic], (name) => to.int8(topicResource).string(name).int32(-1)).int8(0); // synonyms: no
      if (version >= 3) to.int8(0); // documentation: no
    },
    read: (from, version) => {
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
          if (version >= 3) {
            from.int8(); // type
            from.string(); // documentation
          }
          if (value !== undefined) settings.set(name, value);
        });
        return code;
      });
      return { errorCode, settings };
    },
  };
}
