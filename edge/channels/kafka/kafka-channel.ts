/**
 * A topic as channel. Sources put into it (topic-writer.ts); sinks take from it (topic-reader.ts, taken-topic.ts), what others
 * have put as well as what we have. The two halves know nothing of each other: between them is the topic.
 *
 * What is put counts as held until all in-sync replicas have it, and the position of its source moves then. What was read from
 * the topic and waits for a sink is not held here: it is in the topic.
 */
import { createHash } from "node:crypto";
import { Gate } from "../../../shared/async/gate.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { type AskingLink, createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type {
  Admission,
  ChannelSettings,
  ChannelStat,
  LaneStat,
  OldestHeld,
  SelfKeptChannel,
} from "../../core/channel.ts";
import type { ChannelContext } from "../../core/define.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import type { Layout } from "../../core/layout.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { askTopicIds } from "../../records/kafka-topic-ids.ts";
import type { Config } from "./config.ts";
import { TopicProgress } from "./progress.ts";
import type { TakenLane } from "./taken-lane.ts";
import { TakenTopic } from "./taken-topic.ts";
import { signals } from "./telemetry.ts";
import { TopicReader } from "./topic-reader.ts";
import { TopicWriter } from "./topic-writer.ts";

/** One lane on its way into the topic: its books. Nothing is taken of it here. */
interface PutLane {
  readonly lane: Lane;
  put: number;
  sent: number;
  dead: number;
}

export class KafkaChannel implements SelfKeptChannel {
  readonly name: string;
  readonly keeping = "elsewhere";
  readonly room = new Gate();
  readonly arrived = new Gate();

  private readonly link: AskingLink;
  private readonly report: Report;
  private readonly writer: TopicWriter;
  private readonly progress: TopicProgress;
  private readonly taken: TakenTopic;
  private reading: Reading = "not";
  /** The reader before has left the group then. */
  private left: Promise<void> = Promise.resolve();
  private readonly putLanes: PutLane[] = [];
  private readonly laneNumbers = new Map<string, number>();
  /** Of this process and this channel. */
  private readonly start: string;
  private readonly groupId: string;
  private lastId = 0;
  /** Put, and not acknowledged by the topic: the oldest first. */
  private readonly open = new Set<{ readonly bytes: number; readonly putMs: number }>();
  private heldBytes = 0;
  private heldEvents = 0;

  constructor(
    private readonly config: Config,
    readonly settings: ChannelSettings,
    private readonly context: ChannelContext,
  ) {
    const { name, agent, clock, random, metrics, store } = context;
    const { topic, parseAsFlumeEvent, readAhead, compression, identity, batchSize } = config;
    this.name = name;
    this.groupId = config.groupId ?? `tailgate-${topic}`;
    this.start = shortHash(`${clock.bootId()} ${clock.uptimeMs()} ${process.pid} ${name}`);
    const named: Report = (signal, fields) => context.report(signal, { component: name, ...fields });
    this.report = countingReport(signals, { report: named, metrics, labels: { channel: name } });
    const { report } = this;
    this.link = createKafkajsLink({
      ...this.connection,
      connectTimeoutMs: config.connectTimeout,
      requestTimeoutMs: config.requestTimeout,
      report: context.report,
      component: name,
      random,
    });
    this.writer = new TopicWriter({ config, agent, link: this.link, clock, random, report });
    this.progress = new TopicProgress(store, `kafka/${name}/${topic}/${this.groupId}`, report);
    const ofTopic = shortHash(`${topic}/${this.groupId}`);
    this.taken = new TakenTopic({
      channel: name,
      agent,
      topic,
      parseAsFlumeEvent,
      settings: { compression, identity, batchBytesMax: batchSize },
      readAheadBytes: readAhead,
      progress: this.progress,
      epoch: () => `${store.epoch}-${ofTopic}`,
      nextId: () => ++this.lastId,
      report,
      arrived: this.arrived,
    });
    const labels = { channel: name };
    const away = () => (this.writer.away === undefined ? 0 : 1);
    metrics.observe("tailgate_kafka_channel_away", "1 while the topic takes nothing.", labels, away);
    const lagHelp = "Offsets of the topic, in partitions of this agent, that no sink has yet.";
    metrics.observe("tailgate_kafka_channel_lag", lagHelp, labels, () => this.lag);
    const aheadHelp = "Events that were read from the topic and wait for a sink.";
    metrics.observe("tailgate_kafka_channel_read_ahead", aheadHelp, labels, () => this.taken.heldEvents);
  }

  /** Lanes that sinks take from: those of the topic's partitions. */
  lanes(): readonly Lane[] {
    return this.taken.lanes.map(({ lane }) => lane);
  }

  /** Its epoch is one of this process: its numbers begin at 0 with each start. */
  createLane(spec: LaneSpec): Lane {
    const number = this.laneNumbers.get(spec.stream) ?? 0;
    this.laneNumbers.set(spec.stream, number + 1);
    const epoch = `${this.context.store.epoch}-${this.start}`;
    const lane: Lane = { ...spec, id: ++this.lastId, epoch, number };
    this.putLanes.push({ lane, put: 0, sent: 0, dead: 0 });
    return lane;
  }

  nextSeq(lane: Lane): number {
    return this.putLanes.find((each) => each.lane === lane)?.put ?? this.reader(lane).end;
  }

  oldest(lane: Lane): OldestHeld {
    return this.reader(lane).oldest();
  }

  admission(): Admission {
    return this.heldBytes < this.config.capacity ? "open" : "blocked";
  }

  reader(lane: Lane): TakenLane {
    const found = this.taken.lanes.find((each) => each.lane === lane);
    invariant(found !== undefined, `lane ${lane.id} is none that is taken from channel "${this.name}"`);
    return found;
  }

  /** `ended` is called when the topic has the batch, or has refused what is missing of it. */
  put(batches: readonly PutBatch[], ended: () => void): void {
    for (const batch of batches) this.putOne(batch, ended);
  }

  drainedBy(layout: Layout | undefined): void {
    if (layout !== undefined) this.taken.drainedBy(layout);
    const { reading } = this;
    if (layout === undefined) {
      if (typeof reading !== "string") this.left = reading.stop();
      this.reading = "not";
    } else if (reading === "not") this.reading = this.beginReading();
  }

  partsKnown(group: string, parts: number): void {
    this.taken.partsKnown(group, parts);
  }

  handOver(): void {
    for (const lane of this.taken.lanes) lane.handedOver();
  }

  isBehind(): boolean {
    return this.open.size > 2 * Math.max(1, this.putLanes.length);
  }

  stat(): ChannelStat {
    const [oldest] = this.open;
    const { reading, writer, taken, config } = this;
    return {
      events: this.heldEvents,
      batches: this.open.size,
      bytes: this.heldBytes,
      bytesMax: config.capacity,
      oldestMs: oldest === undefined ? undefined : this.context.clock.uptimeMs() - oldest.putMs,
      admission: this.admission(),
      fullBy: this.admission() === "open" ? undefined : "capacity",
      lanes: [...this.putLanes.map(putStat), ...taken.lanes.map((lane) => lane.stat())],
      details: {
        topic: config.topic,
        groupId: this.groupId,
        connected: this.link.connected,
        away: writer.away,
        reading: typeof reading === "string" ? "no sink" : (reading.trouble ?? `${reading.assigned} partitions`),
        readAhead: { events: taken.heldEvents, bytes: taken.heldBytes },
        partitions: taken.status(),
      },
    };
  }

  async close(): Promise<number> {
    const { reading } = this;
    if (typeof reading !== "string") await reading.stop();
    await this.left;
    this.reading = "closed";
    this.writer.close();
    this.progress.close();
    this.link.close();
    return 0;
  }

  private get lag(): number {
    return this.taken.status().reduce((sum, { lag }) => sum + Number(lag), 0);
  }

  private get connection() {
    const { brokers, clientId = `tailgate-${this.context.agent}`, tls, sasl } = this.config;
    return { brokers, clientId, tls, sasl };
  }

  private putOne(batch: PutBatch, ended: () => void): void {
    const lane = this.putLanes.find((each) => each.lane === batch.lane);
    invariant(lane !== undefined, `lane ${batch.lane.id} is none that is put to in channel "${this.name}"`);
    invariant(batch.first === lane.put, `put from ${batch.first}: the lane ends at ${lane.put}`);
    lane.put += batch.count;
    const held = { bytes: batch.bytes.length, putMs: this.context.clock.uptimeMs() };
    this.open.add(held);
    this.heldBytes += held.bytes;
    this.heldEvents += batch.count;
    this.writer.put(batch, {
      taken: (count) => {
        lane.sent += count;
        this.heldEvents -= count;
      },
      refused: (count) => {
        lane.dead += count;
        this.heldEvents -= count;
      },
      ended: () => {
        this.open.delete(held);
        this.heldBytes -= held.bytes;
        if (this.admission() === "open") this.room.open();
        ended();
      },
    });
  }

  private beginReading(): TopicReader {
    const { config, context, taken, progress, report, link } = this;
    const { topic } = config;
    return new TopicReader({
      topic,
      taken,
      progress,
      report,
      after: this.left,
      arrived: () => this.arrived.open(),
      group: {
        connection: this.connection,
        groupId: this.groupId,
        sessionTimeoutMs: config.sessionTimeout,
        fromBeginning: config.start === "beginning",
        tellEveryMs: config.commitInterval,
        topicIds: (topics) => askTopicIds(link, topics),
        report: context.report,
        component: this.name,
      },
    });
  }
}

/** Whether the topic is read, and by whom. */
type Reading = TopicReader | "not" | "closed";

function putStat({ lane, put, sent, dead }: PutLane): LaneStat {
  return { lane, put, sent, dead, shed: 0, held: put - sent - dead, counters: {} };
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
