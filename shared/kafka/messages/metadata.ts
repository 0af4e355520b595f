import type { BrokerNode, TopicMetadata } from "../connection/link.ts";
import type { Message } from "../message.ts";

/** What a broker says of its cluster. */
export interface ClusterMetadata {
  readonly clusterId: string;
  readonly nodes: readonly BrokerNode[];
  readonly controller: BrokerNode | undefined;
  readonly topic: Omit<TopicMetadata, "askedBroker"> | undefined;
}

/** Metadata, api 3, version 5, of one topic or of none; creates nothing. */
export function metadataMessage(topic: string | undefined): Message<ClusterMetadata> {
  return {
    name: "Metadata",
    apiKey: 3,
    version: 5,
    write: (to) => {
      to.list(topic === undefined ? [] : [topic], (name) => to.string(name)).int8(0);
    },
    read: (from) => {
      from.int32(); // throttle
      const addresses = from.list(() => {
        const address = { nodeId: from.int32(), host: from.string() ?? "", port: from.int32() };
        from.string(); // rack
        return address;
      });
      const clusterId = from.string() ?? "";
      const controllerId = from.int32();
      const nodes = addresses.map((address) => ({ clusterId, ...address }));
      const nodeOf = (id: number) => nodes.find((node) => node.nodeId === id);
      const [first] = from.list(() => {
        const errorCode = from.int16();
        from.string(); // name
        from.int8(); // internal
        const leaders: (BrokerNode | undefined)[] = [];
        const replicas: number[] = [];
        from.list(() => {
          from.int16(); // the partition's error: without a leader it says so there too
          const partition = from.int32();
          leaders[partition] = nodeOf(from.int32());
          replicas[partition] = from.list(() => from.int32()).length;
          from.list(() => from.int32()); // in sync
          from.list(() => from.int32()); // offline
        });
        return { clusterId, errorCode, leaders, replicas };
      });
      return { clusterId, nodes, controller: nodeOf(controllerId), topic: first };
    },
  };
}
