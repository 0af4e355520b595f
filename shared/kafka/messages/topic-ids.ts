import type { Message } from "../message.ts";
import type { WireReader } from "../wire.ts";

/** What a broker answers that has no id for a topic. */
const noId = Buffer.alloc(16).toString("base64url");

/**
 * Metadata, api 3, from version 10 on: the ids of topics (KIP-516, Kafka 2.8), as Kafka's own tools print them. A topic that
 * is deleted and made again has another one. Topics that the broker does not have, or shows to nobody like us, are left
 * out; creates nothing.
 */
export function topicIdsMessage(topics: readonly string[]): Message<ReadonlyMap<string, string>> {
  return {
    name: "Metadata",
    apiKey: 3,
    versions: { min: 10, max: 12 },
    flexibleFrom: 9,
    write: (to, version) => {
      to.uvarint(topics.length + 1);
      for (const topic of topics) to.int64(0).int64(0).compactString(topic).tags();
      to.int8(0); // create them: no
      if (version <= 10) to.int8(0); // operations on the cluster: no
      to.int8(0).tags(); // operations on topics: no
    },
    read: (from) => {
      from.int32(); // throttle
      from.compactList(() => {
        from.int32(); // node
        from.compactString(); // host
        from.int32(); // port
        from.compactString(); // rack
        from.tags();
      });
      from.compactString(); // cluster
      from.int32(); // controller
      const ids = new Map<string, string>();
      from.compactList(() => {
        const errorCode = from.int16();
        const topic = from.compactString();
        const id = readId(from);
        skipPartitions(from);
        if (errorCode === 0 && topic !== undefined && id !== noId) ids.set(topic, id);
      });
      return ids;
    },
  };
}

function readId(from: WireReader): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigInt64BE(from.int64(), 0);
  bytes.writeBigInt64BE(from.int64(), 8);
  return bytes.toString("base64url");
}

function skipPartitions(from: WireReader): void {
  from.int8(); // internal
  from.compactList(() => {
    from.int16(); // error
    for (let left = 3; left > 0; left--) from.int32(); // partition, leader, its epoch
    for (let left = 3; left > 0; left--) from.compactList(() => from.int32()); // replicas, in sync, offline
    from.tags();
  });
  from.int32(); // operations
  from.tags();
}
