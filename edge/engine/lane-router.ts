import { invariant } from "../../shared/errors/invariant.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Channel } from "../core/channel.ts";
import { EventView } from "../core/event-view.ts";
import { isSamePart, type Lane, type LanePart } from "../core/lane.ts";
import { type Division, type Layout, laysOutWhole } from "../core/layout.ts";
import { limits } from "../core/limits.ts";
import type { CarriedBatch } from "../core/source.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import { OpenBatch, OpenShare } from "./open-batch.ts";

/** What the router needs to know of its surroundings. */
export interface LaneRouterOptions {
  readonly agent: string;
  readonly stream: string;
  readonly channel: Channel;
  readonly layout: Layout;
  /** What is laid into it are batches of other agents (`carry`), in lanes of their own. */
  readonly carries?: boolean;
  /** The epoch that new lanes get; lanes of another one are only drained. */
  readonly epoch: () => string;
  readonly report: Report;
}

const signals = {
  defaulted: defineSignal({
    name: "events_sent_to_default",
    level: "warn",
    message: "Events name a place that is not allowed, or one more than there may be: they go to the default",
    atMostEveryMs: 60_000,
  }),
  severalKeys: defineSignal({
    name: "carried_keys_mixed",
    level: "info",
    message:
      "Batches of other agents hold records of several keys: they go to the partition of their agent's name, not of each key. A source that opens them (`take: events`) lays each by its own",
    atMostEveryMs: 3_600_000,
  }),
  notDivided: defineSignal({
    name: "lanes_not_added",
    level: "error",
    message: "The destination has more parts than this stream may have lanes; events go on in the lanes there are",
    atMostEveryMs: 600_000,
  }),
};

/** For the status page and metrics. */
export interface LaneUse {
  readonly groups: number;
  readonly groupsMax: number;
  readonly lanes: number;
  readonly lanesMax: number;
  /** Events that went to the default group for want of a place, since the start. */
  readonly defaulted: number;
}

/**
 * Lays the events of one stream into the lanes of one channel, as the channel's layout says (core/layout.ts).
 *
 * When a group is divided anew, events go to new lanes from the next batch on; the sink runner sends these after the old
 * ones are drained, so a key's order holds across the change. The lanes that exist say what was chosen before a restart.
 *
 * Groups and lanes are bounded, because what an event contains may make them. A name that was refused is not remembered:
 * any number of them costs no memory.
 */
export class LaneRouter {
  private readonly options: LaneRouterOptions;
  private groups = new Map<string, Group>();
  /** Lanes of this stream and epoch by group: those of earlier runs and those made since. */
  private made: Map<string, Lane[]>;
  /** Lanes that get no more events but whose last ones are not committed yet. */
  private retired: OpenBatch[] = [];
  /** The only lane, when the layout never asks what an event holds: the hot path asks nothing else. */
  private single: OpenBatch | undefined;
  private readonly share = new OpenShare();
  private readonly form: Layout["form"];
  private readonly division: Division | undefined;
  private defaultedNow = 0;
  private defaultedEver = 0;

  constructor(options: LaneRouterOptions) {
    this.options = options;
    const { layout, carries = false } = options;
    this.form = layout.form;
    this.division = (carries ? layout.carried?.division : undefined) ?? layout.division;
    this.made = this.lanesMade();
  }

  /** Copies the event into its lane; answers by how many bytes the pending work grew. */
  append(view: EventView): number {
    const open = this.single ?? this.laneOf(view);
    return open.append(this.form === undefined ? view : this.form(view));
  }

  /** A batch of another agent, whole; answers by how many bytes the pending work grew. */
  carry(batch: CarriedBatch): number {
    const { layout } = this.options;
    invariant(laysOutWhole(layout), "the layout takes batches that nobody opens");
    const isByAgent = layout.carried?.by === "agent";
    if (batch.hasSeveralKeys && !isByAgent && this.division !== undefined) this.reportSeveralKeys(batch);
    const key = isByAgent ? batch.agent : (batch.key ?? batch.agent);
    return this.laneIn(layout.groupFixed ?? this.groupOf(batch), key, batch.count).carry(batch);
  }

  /** Hands over all batches that wait, for the commit. */
  take(into: PutBatch[]): void {
    for (const open of this.retired) open.take(into);
    this.retired = [];
    for (const group of this.groups.values()) {
      for (const open of group.lanes) open?.take(into);
    }
  }

  /** Events that went to the default since the last question. */
  takeDefaulted(): number {
    const count = this.defaultedNow;
    this.defaultedNow = 0;
    return count;
  }

  get use(): LaneUse {
    const { groupsMax } = this.options.layout;
    const groups = this.made.size;
    return { groups, groupsMax, lanes: this.lanesNow(), lanesMax: limits.lanesMax, defaulted: this.defaultedEver };
  }

  /** The destination divides this group into so many parts: from now on events are laid into as many lanes. */
  partsKnown(name: string, parts: number): void {
    const group = this.groups.get(name);
    if (group?.division === undefined || group.division.parts === parts) return;
    const lanes = this.lanesNow() - group.division.parts + parts;
    if (lanes + this.lanesKeptFree() > limits.lanesMax) {
      const { stream, channel } = this.options;
      const fields = { component: channel.name, stream, group: name, parts, lanesMax: limits.lanesMax };
      this.options.report(signals.notDivided, fields);
      return;
    }
    this.retire(group);
    this.groups.set(name, newGroup({ parts, generation: group.division.generation + 1 }));
  }

  /** A new epoch began: from the next event on there are new lanes. */
  epochRenewed(): void {
    for (const group of this.groups.values()) this.retire(group);
    this.groups = new Map();
    this.made = this.lanesMade();
    this.single = undefined;
  }

  private retire(group: Group): void {
    for (const open of group.lanes) {
      if (open === undefined) continue;
      this.share.change(-1);
      this.retired.push(open);
    }
  }

  private laneOf(view: EventView): OpenBatch {
    const { layout } = this.options;
    return this.laneIn(layout.groupFixed ?? layout.group(view), view.key);
  }

  private reportSeveralKeys({ carried }: CarriedBatch): void {
    const { stream, channel } = this.options;
    this.options.report(signals.severalKeys, { component: channel.name, stream, batch: carried });
  }

  private groupOf({ agent, stream }: CarriedBatch): string | undefined {
    const view = new EventView();
    view.setHeader("agent", agent);
    view.setHeader("stream", stream);
    return this.options.layout.group(view);
  }

  private laneIn(name: string | undefined, key: string | undefined, events = 1): OpenBatch {
    const { layout } = this.options;
    let group = name === undefined ? undefined : this.groups.get(name);
    let own = name;
    if (group === undefined || own === undefined) {
      own = this.placeFor(name, events);
      group = this.openGroup(own);
    }
    const index = group.division === undefined ? 0 : this.partOf(group, key);
    let open = group.lanes[index];
    if (open === undefined) {
      open = this.openLane(own, group, index);
      group.lanes[index] = open;
      if (layout.groupFixed !== undefined && group.division === undefined) this.single = open;
    }
    return open;
  }

  /** The group itself, if there is a place for it; else the default. */
  private placeFor(name: string | undefined, events: number): string {
    const { layout, stream, channel } = this.options;
    const { groupDefault } = layout;
    if (name !== undefined && (name === groupDefault || this.made.has(name) || this.hasPlace())) return name;
    this.defaultedNow += events;
    this.defaultedEver += events;
    const groups = this.made.size;
    const fields = { component: channel.name, stream, group: name, default: groupDefault, groups };
    this.options.report(signals.defaulted, { ...fields, groupsMax: layout.groupsMax });
    return groupDefault;
  }

  private hasPlace(): boolean {
    const { groupDefault, groupsMax } = this.options.layout;
    const { division } = this;
    const groups = this.made.size - (this.made.has(groupDefault) ? 1 : 0);
    const lanes = this.lanesNow() + (division?.partsDefault ?? 1) + this.lanesKeptFree();
    return groups < groupsMax && lanes <= limits.lanesMax;
  }

  /** The default always finds its place. */
  private lanesKeptFree(): number {
    const { groupDefault } = this.options.layout;
    const { division } = this;
    return this.made.has(groupDefault) ? 0 : (division?.partsDefault ?? 1);
  }

  private lanesNow(): number {
    let lanes = 0;
    for (const name of this.made.keys()) {
      const group = this.groups.get(name);
      const division = group === undefined ? this.divisionOf(name) : group.division;
      lanes += division?.parts ?? 1;
    }
    return lanes;
  }

  private partOf(group: Group, key: string | undefined): number {
    const { division } = this;
    const parts = group.division?.parts ?? 1;
    const text = key ?? this.options.agent;
    let part = group.partOf.get(text);
    if (part === undefined) {
      if (group.partOf.size >= keysKeptMax) group.partOf.clear();
      part = division?.partOf(text, parts) ?? 0;
      group.partOf.set(text, part);
    }
    return part;
  }

  private openGroup(name: string): Group {
    let group = this.groups.get(name);
    if (group === undefined) {
      group = newGroup(this.divisionOf(name));
      this.groups.set(name, group);
      if (!this.made.has(name)) this.made.set(name, []);
    }
    return group;
  }

  /** As the lanes that exist say, or as the layout begins. */
  private divisionOf(name: string): GroupDivision | undefined {
    const { division } = this;
    if (division === undefined) return undefined;
    let latest = { parts: division.partsDefault, generation: 0 };
    for (const { part } of this.made.get(name) ?? []) {
      if (part !== undefined && part.generation >= latest.generation) latest = part;
    }
    return { parts: latest.parts, generation: latest.generation };
  }

  private openLane(name: string, group: Group, index: number): OpenBatch {
    const { agent, channel, stream, carries = false } = this.options;
    const { division } = group;
    const part: LanePart | undefined =
      division === undefined ? undefined : { index, parts: division.parts, generation: division.generation };
    const made = this.made.get(name) ?? [];
    let lane = made.find((candidate) => isSamePart(candidate.part, part));
    if (lane === undefined) {
      const spec = { channel: channel.name, stream, group: name, part };
      lane = channel.createLane(carries ? { ...spec, carries } : spec);
      made.push(lane);
    }
    const { settings } = channel;
    return new OpenBatch({ lane, agent, settings, nextSeq: channel.nextSeq(lane), share: this.share });
  }

  private lanesMade(): Map<string, Lane[]> {
    const { channel, stream, epoch, carries = false } = this.options;
    const current = epoch();
    const made = new Map<string, Lane[]>();
    for (const lane of channel.lanes()) {
      if (lane.stream !== stream || lane.epoch !== current || (lane.carries ?? false) !== carries) continue;
      if (lane.isDrainedOnly === true) continue;
      const group = made.get(lane.group);
      if (group === undefined) made.set(lane.group, [lane]);
      else group.push(lane);
    }
    return made;
  }
}

/** Parts of keys that are remembered; past this they are asked for anew. */
const keysKeptMax = 10_000;

interface GroupDivision {
  readonly parts: number;
  readonly generation: number;
}

interface Group {
  readonly division: GroupDivision | undefined;
  readonly lanes: (OpenBatch | undefined)[];
  readonly partOf: Map<string, number>;
}

function newGroup(division: GroupDivision | undefined): Group {
  return { division, lanes: [], partOf: new Map() };
}
