/**
 * What was read from the topic, laid into lanes as the sinks want it: one lane a partition and group (core/layout.ts). How far
 * each is stands in the agent's file (progress.ts); a record that a sink has is passed over when it is read again.
 */
import { Gate } from "../../../shared/async/gate.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { ChannelSettings } from "../../core/channel.ts";
import { EventView } from "../../core/event-view.ts";
import type { Lane, LanePart } from "../../core/lane.ts";
import type { Layout } from "../../core/layout.ts";
import { limits } from "../../core/limits.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { isOutside } from "../../records/kafka-gaps.ts";
import type { Judge, PartitionEnds } from "../../records/kafka-group.ts";
import type { KafkaRecord } from "../../records/kafka-record.ts";
import { type TakenEvent, takenEvent } from "./event-codec.ts";
import type { TakenRow, TopicProgress } from "./progress.ts";
import { type TakenHost, TakenLane } from "./taken-lane.ts";
import { signals } from "./telemetry.ts";

export interface TakenTopicOptions {
  /** The channel's name: the stream of what comes from the topic. */
  readonly channel: string;
  readonly agent: string;
  readonly topic: string;
  readonly parseAsFlumeEvent: boolean;
  readonly settings: ChannelSettings;
  readonly readAheadBytes: number;
  readonly progress: TopicProgress;
  /** The epoch that new lanes get. */
  readonly epoch: () => string;
  /** An id that no lane of the channel has. */
  readonly nextId: () => number;
  readonly report: Report;
  /** Opens when there is something to take. */
  readonly arrived: Gate;
}

interface Partition {
  isOurs: boolean;
  /** Offsets below were taken in; undefined: nothing was read. */
  readNext: number | undefined;
  /** Where it stood when it was last ours. */
  left: number | undefined;
  high: number;
}

export class TakenTopic implements TakenHost {
  readonly room = new Gate();
  readonly agent: string;
  readonly settings: ChannelSettings;
  /** Memory that what was read takes. */
  heldBytes = 0;
  readonly lanes: TakenLane[] = [];
  private layout: Layout | undefined;
  private readonly open = new Map<string, TakenLane>();
  private readonly partitions = new Map<number, Partition>();
  private readonly groups = new Set<string>();
  private readonly divisions = new Map<string, { readonly parts: number; readonly generation: number }>();
  private nextNumber = 0;
  private readonly view = new EventView();

  constructor(private readonly options: TakenTopicOptions) {
    this.agent = options.agent;
    this.settings = options.settings;
    for (const row of options.progress.lanes()) this.restore(row);
    this.nextNumber = Math.max(this.nextNumber, options.progress.nextNumber);
  }

  drainedBy(layout: Layout): void {
    this.layout = layout;
  }

  partsKnown(group: string, parts: number): void {
    const before = this.divisionOf(group);
    if (before === undefined || before.parts === parts || parts > limits.lanesMax) return;
    this.divisions.set(group, { parts, generation: before.generation + 1 });
  }

  /** These are ours from now on, and no others. */
  assigned(partitions: readonly number[]): void {
    for (const [number, partition] of this.partitions) {
      if (!partition.isOurs || partitions.includes(number)) continue;
      partition.isOurs = false;
      partition.left = partition.readNext === undefined ? partition.left : this.nextOf(number, partition.readNext);
      partition.readNext = undefined;
      for (const lane of this.lanesOf(number)) lane.drop();
    }
    for (const number of partitions) this.partition(number).isOurs = true;
    this.room.open();
  }

  /** Where a partition goes on; undefined: nobody has ever read it. `groups`: what the group was told. */
  begins(number: number, groups: number | undefined, ends: PartitionEnds | undefined): number | undefined {
    const { topic, progress, report } = this.options;
    const partition = this.partition(number);
    let ours = partition.readNext ?? partition.left ?? progress.partition(number);
    let theirs = groups;
    if (ends !== undefined) {
      if (ours !== undefined && ours > ends.high) {
        report(signals.anotherTopic, { topic, partition: number, stored: ours, end: ends.high });
        this.forget(number);
        ours = ends.low;
      }
      if (theirs !== undefined && theirs > ends.high) theirs = undefined;
      partition.high = ends.high;
    }
    if (theirs !== undefined && (ours === undefined || theirs > ours)) {
      // Another member has read on: what was under way here when we last had the partition is behind that.
      for (const lane of this.lanesOf(number)) if (lane.isBroken(theirs)) this.retire(lane);
      ours = theirs;
    }
    if (ours === undefined) return undefined;
    if (ends !== undefined && ours < ends.low) {
      report(signals.outrun, { topic, partition: number, from: ours, to: ends.low - 1, count: ends.low - ours });
      ours = ends.low;
    }
    partition.readNext = ours;
    return ours;
  }

  /** Another topic has this name now: nothing of what is stored is about it. */
  forgetAll(): void {
    for (const number of [...this.partitions.keys(), ...this.lanes.map(({ partition }) => partition)])
      this.forget(number);
    this.options.progress.forgetPartitions();
  }

  /** A judge of where the partitions of ours are now. */
  looking(): Judge {
    const { topic } = this.options;
    const places = [...this.partitions]
      .filter(([, { isOurs }]) => isOurs)
      .map(([number, { readNext }]) => [number, readNext] as const);
    return (ends) => {
      let isAstray = false;
      for (const [number, next] of places) {
        const found = ends.get(`${topic}/${number}`);
        if (found === undefined) continue;
        const partition = this.partition(number);
        partition.high = Math.max(partition.high, found.high);
        if (isOutside(next, found)) isAstray = true;
      }
      return isAstray;
    };
  }

  /** The offset that is expected next; undefined: any. */
  expected(number: number): number | undefined {
    return this.partitions.get(number)?.readNext;
  }

  /** The topic has nothing before this offset that was not taken in. */
  passOver(number: number, to: number): void {
    this.partition(number).readNext = to;
  }

  /** Takes a record in, unless a sink has it. */
  accept(number: number, record: KafkaRecord, high: number): void {
    const partition = this.partition(number);
    const offset = Number(record.offset);
    partition.high = Math.max(partition.high, high);
    if (!partition.isOurs || (partition.readNext !== undefined && offset < partition.readNext)) return;
    partition.readNext = offset + 1;
    const { topic, parseAsFlumeEvent, report } = this.options;
    const event = takenEvent(record, parseAsFlumeEvent);
    if (event === undefined) {
      report(signals.unreadable, { topic, partition: number, offset });
      return;
    }
    this.place(number, event);
  }

  /** Of each partition of ours that was read: where whoever reads it next has to begin. */
  offsets(): readonly { readonly partition: number; readonly offset: number }[] {
    const found = [];
    for (const [partition, { isOurs, readNext }] of this.partitions) {
      if (isOurs && readNext !== undefined) found.push({ partition, offset: this.nextOf(partition, readNext) });
    }
    return found;
  }

  get heldEvents(): number {
    return this.lanes.reduce((sum, { heldEvents }) => sum + heldEvents, 0);
  }

  /** For the status page. */
  status(): readonly Readonly<Record<string, unknown>>[] {
    return this.offsets().map(({ partition, offset }) => {
      const high = Math.max(this.partition(partition).high, offset);
      return { partition, next: offset, end: high, lag: high - offset };
    });
  }

  // What its lanes ask for.

  holds(bytes: number): void {
    this.heldBytes += bytes;
    if (bytes < 0 && this.hasRoom) this.room.open();
  }

  get hasRoom(): boolean {
    return this.heldBytes < this.options.readAheadBytes;
  }

  store(lane: TakenLane): void {
    this.note(lane);
    this.options.progress.flush();
  }

  storeLater(lane: TakenLane): void {
    this.note(lane);
    this.options.progress.later();
  }

  buried({ partition, lane }: TakenLane, { count }: StoredBatch, offsets: readonly number[], reason: string): void {
    const { topic, channel, report } = this.options;
    const [from, to] = [offsets[0], offsets.at(-1)];
    report(signals.buried, { component: channel, topic, partition, lane: lane.number, from, to, count, reason });
  }

  private note(lane: TakenLane): void {
    const { progress } = this.options;
    const { partition } = lane;
    // One that was retired is known no more.
    if (this.open.get(keyOf({ partition, ...lane.lane })) === lane) progress.setLane(lane.row);
    const readNext = this.partitions.get(partition)?.readNext;
    if (readNext !== undefined) progress.setPartition(partition, this.nextOf(partition, readNext));
  }

  private nextOf(partition: number, readNext: number): number {
    let next = readNext;
    for (const lane of this.lanesOf(partition)) next = Math.min(next, lane.oldestOffset ?? next);
    return next;
  }

  private place(partition: number, event: TakenEvent): void {
    const lane = this.laneOf(partition, event);
    if (event.offset < lane.readNext) return;
    if (!lane.isBroken(event.offset)) {
      lane.push(event);
      return;
    }
    const before = this.retire(lane);
    for (const each of [...before, event]) this.laneOf(partition, each).push(each);
  }

  private laneOf(partition: number, event: TakenEvent): TakenLane {
    const { layout } = this;
    const group = layout === undefined ? this.options.channel : this.groupOf(layout, event);
    const division = this.divisionOf(group);
    const index = division === undefined ? 0 : (layout?.division?.partOf(event.key ?? this.agent, division.parts) ?? 0);
    const part = division === undefined ? undefined : { index, ...division };
    const epoch = this.options.epoch();
    const key = keyOf({ partition, epoch, group, part });
    return this.open.get(key) ?? this.make(key, { partition, epoch, group, part }, event.offset);
  }

  private groupOf(layout: Layout, event: TakenEvent): string {
    const { groupFixed, groupDefault, groupsMax } = layout;
    if (groupFixed !== undefined) return groupFixed;
    const { view } = this;
    view.reset(event.body, 0, event.body.length, event.timeMs);
    view.key = event.key;
    for (const [index, name] of event.headerNames.entries()) view.setHeader(name, event.headerValues[index] ?? "");
    const group = layout.group(view);
    if (group === groupDefault) return group;
    if (group !== undefined && (this.groups.has(group) || this.groups.size < groupsMax)) {
      this.groups.add(group);
      return group;
    }
    this.options.report(signals.defaulted, { component: this.options.channel, group, default: groupDefault });
    return groupDefault;
  }

  private divisionOf(group: string): { readonly parts: number; readonly generation: number } | undefined {
    const division = this.layout?.division;
    if (division === undefined) return undefined;
    return this.divisions.get(group) ?? { parts: division.partsDefault, generation: 0 };
  }

  /** Known before anything of it is handed out: another lane gets this number never. */
  private make(key: string, place: Place, offset: number): TakenLane {
    const number = this.nextNumber++;
    this.options.progress.nextNumber = this.nextNumber;
    const none = { leased: 0, leasedOffset: -1, mark: undefined, sessions: {} };
    const lane = this.add(key, { ...place, number, next: offset, seq: 0, ...none });
    this.options.progress.setLane(lane.row);
    return lane;
  }

  private restore(row: TakenRow): void {
    this.nextNumber = Math.max(this.nextNumber, row.number + 1);
    this.groups.add(row.group);
    if (row.part !== undefined) {
      const { parts, generation } = row.part;
      const known = this.divisions.get(row.group);
      if (known === undefined || known.generation <= generation) this.divisions.set(row.group, { parts, generation });
    }
    this.add(keyOf(row), row);
  }

  private add(key: string, row: TakenRow): TakenLane {
    const { channel, nextId } = this.options;
    const { number, epoch, group, part, partition } = row;
    const lane: Lane = { id: nextId(), channel, stream: channel, epoch, number, group, part };
    const made = new TakenLane(lane, partition, this, row);
    this.lanes.push(made);
    this.open.set(key, made);
    return made;
  }

  /** It gets nothing more. What it had under way may be repeated under another number. */
  private retire(lane: TakenLane): readonly TakenEvent[] {
    this.open.delete(keyOf({ partition: lane.partition, ...lane.lane }));
    this.options.progress.forgetLane(lane.lane.number);
    return lane.surrender();
  }

  private forget(number: number): void {
    for (const lane of [...this.lanesOf(number)]) {
      lane.drop();
      this.retire(lane);
    }
    const partition = this.partition(number);
    partition.readNext = undefined;
    partition.left = undefined;
    this.options.progress.setPartition(number, undefined);
  }

  private *lanesOf(partition: number): Iterable<TakenLane> {
    for (const lane of this.lanes) if (lane.partition === partition) yield lane;
  }

  private partition(number: number): Partition {
    let partition = this.partitions.get(number);
    if (partition === undefined) {
      partition = { isOurs: false, readNext: undefined, left: undefined, high: 0 };
      this.partitions.set(number, partition);
    }
    return partition;
  }
}

interface Place {
  readonly partition: number;
  readonly epoch: string;
  readonly group: string;
  readonly part: LanePart | undefined;
}

/** Made for each event that is taken. The group stands last: it may hold any character, the others no space. */
function keyOf({ partition, epoch, group, part }: Place): string {
  return `${partition} ${epoch} ${part?.index} ${part?.generation} ${group}`;
}
