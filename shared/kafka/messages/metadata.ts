import type { BrokerNode, TopicMetadata } from "../connection/link.ts";
import type { Message } from "../message.ts";
import type { WireReader } from "../wire.ts";

/** What a broker says of its cluster. */
export interface ClusterMetadata {
  readonly clusterId: string;
  readonly nodes: readonly BrokerNode[];
  readonly controller: BrokerNode | undefined;
  /** Undefined when no topic was asked for. */
  readonly topic: DescribedTopic | undefined;
}

/** A topic in a broker's words. */
export interface DescribedTopic extends Omit<TopicMetadata, "askedBroker"> {
  /** A bit for each operation that we may do (KIP-430); undefined: not asked for, or not known to the broker (before 2.3). */
  readonly operations: number | undefined;
}

/** What to ask beside leaders and replicas. */
export interface MetadataOptions {
  readonly operations?: boolean;
}

/** What a broker answers that was not asked for operations. */
const noOperations = -(2 ** 31);

/**
 * Metadata, api 3, of one topic or of none; creates nothing. Version 5 names replicas that are offline, 7 the leaders' epochs,
 * 8 the operations that are allowed.
 */
export function metadataMessage(topic: string | undefined, options: MetadataOptions = {}): Message<ClusterMetadata> {
  return {
    name: "Metadata",
    apiKey: 3,
    versions: { min: 5, max: 8 },
    write: (to, version) => {
      to.list(topic === undefined ? [] : [topic], (name) => to.string(name));
      to.int8(0); // create it: no
      if (version >= 8) to.int8(0).int8(options.operations === true ? 1 : 0); // operations: on the cluster no, on topics
    },
    read: (from, version) => {
      from.int32(); // throttle
      const addresses = from.list(() => {
        const address = { nodeId: from.int32(), host: from.string() ?? "", port: from.int32() };
        from.string(); // rack
        return address;
      });
      const clusterId = from.string() ?? "";
      const controllerId = from.int32();
      const nodes = addresses.map((address) => ({ clusterId, ...address }));
      const [first] = from.list(() => readTopic(from, version, nodes));
      const controller = nodes.find(({ nodeId }) => nodeId === controllerId);
      return { clusterId, nodes, controller, topic: first && { clusterId, ...first } };
    },
  };
}

function readTopic(from: WireReader, version: number, nodes: readonly BrokerNode[]): Omit<DescribedTopic, "clusterId"> {
  const errorCode = from.int16();
  from.string(); // name
  from.int8(); // internal
  const leaders: (BrokerNode | undefined)[] = [];
  const leaderEpochs: number[] = [];
  const replicas: number[] = [];
  from.list(() => {
    from.int16(); // the partition's error: without a leader it says so there too
    const partition = from.int32();
    const leaderId = from.int32();
    leaders[partition] = nodes.find(({ nodeId }) => nodeId === leaderId);
    leaderEpochs[partition] = version >= 7 ? from.int32() : -1; // before Kafka 2.1
    replicas[partition] = from.list(() => from.int32()).length;
    from.list(() => from.int32()); // in sync
    from.list(() => from.int32()); // offline
  });
  const operations = version >= 8 ? from.int32() : noOperations;
  return {
    errorCode,
    leaders,
    leaderEpochs,
    replicas,
    operations: operations === noOperations ? undefined : operations,
  };
}
