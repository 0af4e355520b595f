import { partitionOfKey } from "../../shared/kafka/murmur2.ts";
import type { Channel } from "../core/channel.ts";
import type { EventView } from "../core/event-view.ts";
import type { Lane } from "../core/lane.ts";
import { limits } from "../core/limits.ts";
import type { Routing } from "../core/sink.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import { OpenBatch } from "./open-batch.ts";

/** What the router needs to know of its surroundings. */
export interface LaneRouterOptions {
  readonly agent: string;
  readonly stream: string;
  readonly channel: Channel;
  readonly routing: Routing;
  /** The epoch that new lanes get; lanes of another one are only drained. */
  readonly epoch: () => string;
}

/**
 * Lays the events of one stream into the lanes of one channel: by topic, and within a topic by the agent (one lane) or by
 * the key (one lane a partition).
 *
 * When a topic grows, events go to new lanes from the next batch on; the sink runner sends these after the old ones are
 * drained, so a key's order holds across the change. The lanes that exist say what was chosen before a restart.
 */
export class LaneRouter {
  private readonly options: LaneRouterOptions;
  private topics = new Map<string, TopicLanes>();
  /** Lanes that get no more events but whose last ones are not committed yet. */
  private retired: OpenBatch[] = [];
  /** The only lane, when neither topic nor partition depend on the event: the hot path asks nothing else. */
  private single: OpenBatch | undefined;

  constructor(options: LaneRouterOptions) {
    this.options = options;
  }

  /** Copies the event into its lane; answers by how many bytes the pending work grew. */
  append(view: EventView): number {
    return (this.single ?? this.laneOf(view)).append(view);
  }

  /** Hands over all batches that wait, for the commit. */
  take(into: PutBatch[]): void {
    for (const open of this.retired) open.take(into);
    this.retired = [];
    for (const topic of this.topics.values()) {
      for (const open of topic.lanes) open?.take(into);
    }
  }

  /** The topic has this many partitions: from now on events are laid into as many lanes. */
  partitionsKnown(topicName: string, partitions: number): void {
    const topic = this.topics.get(topicName);
    if (topic?.by !== "key" || topic.partitions === partitions || partitions > limits.lanesMax) return;
    this.retire(topic);
    this.topics.set(topicName, {
      by: "key",
      partitions,
      generation: topic.generation + 1,
      lanes: [],
      partitionOf: new Map(),
    });
  }

  /** A new epoch began: from the next event on there are new lanes. */
  epochRenewed(): void {
    for (const topic of this.topics.values()) this.retire(topic);
    this.topics = new Map();
    this.single = undefined;
  }

  private retire(topic: TopicLanes): void {
    for (const open of topic.lanes) {
      if (open !== undefined) this.retired.push(open);
    }
  }

  private laneOf(view: EventView): OpenBatch {
    const { routing } = this.options;
    const name = routing.topicFixed ?? routing.topic(view);
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = this.openTopic(name);
      this.topics.set(name, topic);
    }
    const index = topic.by === "key" ? this.partitionOf(topic, view.key) : 0;
    let open = topic.lanes[index];
    if (open === undefined) {
      open = this.openLane(name, topic, index);
      topic.lanes[index] = open;
      if (routing.topicFixed !== undefined && topic.by === "agent") this.single = open;
    }
    return open;
  }

  private partitionOf(topic: KeyLanes, key: string | undefined): number {
    const text = key ?? this.options.agent;
    let partition = topic.partitionOf.get(text);
    if (partition === undefined) {
      if (topic.partitionOf.size >= 10_000) topic.partitionOf.clear();
      partition = partitionOfKey(Buffer.from(text), topic.partitions);
      topic.partitionOf.set(text, partition);
    }
    return partition;
  }

  private openTopic(name: string): TopicLanes {
    const { routing } = this.options;
    if (routing.partition === "agent") return { by: "agent", lanes: [] };
    let partitions = routing.partitionsDefault;
    let generation = 0;
    for (const { partitioning } of this.ownLanes(name)) {
      if (partitioning.by === "key" && partitioning.generation >= generation) {
        ({ partitions, generation } = partitioning);
      }
    }
    return { by: "key", partitions, generation, lanes: [], partitionOf: new Map() };
  }

  private openLane(name: string, topic: TopicLanes, index: number): OpenBatch {
    const { agent, channel, stream } = this.options;
    const lane =
      this.ownLanes(name).find((candidate) => isLaneOf(candidate, topic, index)) ??
      channel.createLane({
        channel: channel.name,
        stream,
        topic: name,
        partitioning:
          topic.by === "agent"
            ? { by: "agent" }
            : { by: "key", partition: index, partitions: topic.partitions, generation: topic.generation },
      });
    return new OpenBatch(lane, agent, channel.settings, channel.nextSeq(lane));
  }

  private ownLanes(topic: string): Lane[] {
    const { channel, stream, epoch } = this.options;
    const current = epoch();
    return channel.lanes().filter((lane) => lane.stream === stream && lane.topic === topic && lane.epoch === current);
  }
}

interface AgentLanes {
  readonly by: "agent";
  readonly lanes: (OpenBatch | undefined)[];
}

interface KeyLanes {
  readonly by: "key";
  readonly partitions: number;
  readonly generation: number;
  readonly lanes: (OpenBatch | undefined)[];
  readonly partitionOf: Map<string, number>;
}

type TopicLanes = AgentLanes | KeyLanes;

function isLaneOf(lane: Lane, topic: TopicLanes, index: number): boolean {
  const { partitioning } = lane;
  if (partitioning.by === "agent" || topic.by === "agent") return partitioning.by === topic.by;
  return partitioning.partition === index && partitioning.generation === topic.generation;
}
