/**
 * First step of an append: its records are read once, and what they name is gathered. Nothing is decided that needs the
 * store. A record that claims what no edge says is refused here and touches nothing.
 *
 * The usual record costs two short strings (its lane's prefix and its key, as look-up keys) and one small object.
 */
import { type LaneIdentity, lanePrefix } from "../../shared/identity/identity.ts";
import { type BatchSender, senderText, unchecked } from "../records/batch-sender.ts";
import { part, type RecordBlock, type RecordSlice } from "../records/record-block.ts";
import { type Admission, type AdmissionRules, admissionOn, vehiclesOf } from "./admission.ts";
import { readClaim, timeIsSane } from "./claim.ts";
import { AccountEntry, LaneEntry, type PlannedEvent, SeriesEntry } from "./entries.ts";
import { bounds } from "./limits.ts";
import { Refusals } from "./refusals.ts";
import { noKeyName, vehicleName } from "./vehicle.ts";

/** Where the records stand: the store's key of the partition's present incarnation, and the topic's name. */
export interface GatherSource {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
}

/** Of each prefix that is refused one is remembered, up to so many. */
const barredMax = 1_000;
const tooManyLanes = `more than ${bounds.lanesPerAppend} lanes of its agent at once`;

/** Stands for a record without a key among the look-up keys, which are bytes as Latin-1. */
const noKey = "\u{1f511}";

export class Gathering {
  readonly lanes = new Map<string, LaneEntry>();
  readonly series = new Map<string, SeriesEntry>();
  readonly accounts = new Map<string, AccountEntry>();
  /** Events without an identity, in the order of arrival. */
  readonly foreign: PlannedEvent[] = [];
  readonly refused = new Refusals();
  /** Of the events without an identity, when there are some. */
  foreignAccount: AccountEntry | undefined;
  private readonly foreignByKey = new Map<string, SeriesEntry>();
  /** By the header's text before the number, however it is spelled: `.3/` and `.03/` are one lane. */
  private readonly lanesByPrefix = new Map<string, LaneEntry>();
  /** Why records with this text before their number are refused: asked once for each lane of a batch. */
  private readonly barredByPrefix = new Map<string, string>();

  private readonly admission: Admission | undefined;
  /** Of the block that is read. */
  private sender: BatchSender = unchecked;
  private senderText = senderText(unchecked);
  /** Why nothing of the block is taken: its batch is not signed by the agent that its first record names. */
  private blockRefusal: string | undefined;

  constructor(
    private readonly source: GatherSource,
    private readonly rules: AdmissionRules,
  ) {
    this.admission = admissionOn(source.topic, rules);
  }

  /** What a batch was admitted with says nothing about the next one. */
  private beginBlock(sender: BatchSender): void {
    if (sender === this.sender) return;
    if (this.admission !== undefined) {
      this.lanesByPrefix.clear();
      this.barredByPrefix.clear();
    }
    this.sender = sender;
    this.senderText = senderText(sender);
    const unproved = sender.kind === "unsigned" || sender.kind === "wrong";
    this.blockRefusal = unproved ? this.admission?.(sender.agent, sender) : undefined;
  }

  add({ block, from, to }: RecordSlice): void {
    this.beginBlock(block.sender);
    if (this.blockRefusal !== undefined) {
      this.refused.addAll(block.offsets.subarray(from, to), this.blockRefusal);
      return;
    }
    for (let index = from; index < to; index++) this.read(block, index);
  }

  private read(block: RecordBlock, index: number): void {
    const slot = index * part.stride;
    const { bytes, parts } = block;
    const offset = block.offsets[index] ?? 0;
    const keyStart = parts[slot + part.keyStart] ?? -1;
    const keyEnd = parts[slot + part.keyEnd] ?? -1;
    const valueStart = parts[slot + part.valueStart] ?? -1;
    const valueEnd = parts[slot + part.valueEnd] ?? -1;
    if (keyEnd - keyStart > bounds.keyBytes) {
      this.refuse(offset, `a key of ${keyEnd - keyStart} bytes (at most ${bounds.keyBytes})`);
      return;
    }
    if (valueEnd - valueStart > bounds.valueBytes) {
      this.refuse(offset, `a value of ${valueEnd - valueStart} bytes (at most ${bounds.valueBytes})`);
      return;
    }
    const value = valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
    const key = keyStart < 0 ? noKey : bytes.toString("latin1", keyStart, keyEnd);
    const identityStart = parts[slot + part.identityStart] ?? -1;
    if (identityStart < 0) {
      this.addForeign(key, offset, block.timesMs[index] ?? 0, value);
      return;
    }
    const text = bytes.toString("latin1", identityStart, parts[slot + part.identityEnd]);
    const slash = text.lastIndexOf("/") + 1;
    const known = slash > 0 ? this.lanesByPrefix.get(text.slice(0, slash)) : undefined;
    const quick = known === undefined ? undefined : quickNumbers(text, slash);
    if (known !== undefined && quick !== undefined) {
      const { time, seq } = quick;
      this.addEvent(known, { key, time, seq, offset, value, kafkaMs: block.timesMs[index] ?? 0 });
      return;
    }
    if (this.barredByPrefix.size > 0 && known === undefined) {
      const barredBefore = this.barredByPrefix.get(text.slice(0, slash));
      if (barredBefore !== undefined && quickNumbers(text, slash) !== undefined) {
        this.refuse(offset, barredBefore);
        return;
      }
    }
    const claim = readClaim(text);
    if (claim.kind === "refused") {
      this.refuse(offset, claim.reason);
      return;
    }
    if (claim.kind === "foreign") {
      this.addForeign(key, offset, block.timesMs[index] ?? 0, value);
      return;
    }
    const { identity } = claim;
    const prefix = text.slice(0, slash);
    const barred = known === undefined ? this.admission?.(identity.agent, this.sender) : undefined;
    if (barred !== undefined) {
      this.bar(prefix, barred, offset);
      return;
    }
    const lane = known ?? this.lane(prefix, identity);
    if (lane === undefined) {
      this.bar(prefix, tooManyLanes, offset);
      return;
    }
    const { first, last, reason } = identity;
    if (identity.kind === "record") {
      const kafkaMs = block.timesMs[index] ?? 0;
      this.addEvent(lane, { key, time: identity.eventTimeMs, seq: first, offset, value, kafkaMs });
      return;
    }
    lane.named(first, last);
    const timeMs = identity.eventTimeMs;
    lane.markers.push({ after: lane.events.length, offset, first, last, reason: reason ?? "overflow", timeMs });
  }

  private addEvent(lane: LaneEntry, { key, time, seq, offset, value, kafkaMs }: EventParts): void {
    let series = lane.seriesByKey.get(key);
    if (series === undefined) {
      const { agent, stream } = lane.identity;
      const vehicle = key === noKey || key === "" ? agent : vehicleName(Buffer.from(key, "latin1"));
      if (lane.mayName?.(vehicle) === false) {
        this.refuse(offset, "a vehicle that its agent does not speak for");
        return;
      }
      series = this.seriesOf(vehicle, stream);
      lane.seriesByKey.set(key, series);
    }
    lane.named(seq, seq);
    lane.events.push({
      time,
      source: this.source.id,
      offset,
      lane: 0,
      seq,
      value,
      series,
      origin: lane,
      kafkaMs,
      sender: this.senderText,
    });
  }

  /** A record of somebody else: the topic is its stream, Kafka's time its time, topic-partition-offset its identity. */
  private addForeign(key: string, offset: number, time: number, value: Buffer | null): void {
    if (!timeIsSane(time)) {
      this.refuse(offset, "a time beyond the years 1 to 9999");
      return;
    }
    let series = this.foreignByKey.get(key);
    if (series === undefined) {
      this.foreignAccount = this.account(foreignAccount(this.source.topic));
      const vehicle = key === noKey ? noKeyName : vehicleName(Buffer.from(key, "latin1"));
      series = this.seriesOf(vehicle, this.source.topic);
      this.foreignByKey.set(key, series);
    }
    this.foreign.push({
      time,
      source: this.source.id,
      offset,
      lane: 0,
      seq: 0,
      value,
      series,
      origin: undefined,
      kafkaMs: time,
      sender: this.senderText,
    });
  }

  private bar(prefix: string, reason: string, offset: number): void {
    if (this.barredByPrefix.size < barredMax) this.barredByPrefix.set(prefix, reason);
    this.refuse(offset, reason);
  }

  /** Undefined: its agent has named too many in this append. */
  private lane(spelled: string, { agent, epoch, stream, lane }: LaneIdentity): LaneEntry | undefined {
    const prefix = lanePrefix({ agent, epoch, stream, lane });
    let entry = this.lanes.get(prefix);
    if (entry === undefined) {
      const account = this.account(agent);
      if (account.lanesNamed >= bounds.lanesPerAppend) return undefined;
      account.lanesNamed++;
      entry = new LaneEntry({ agent, epoch, stream, lane }, account, vehiclesOf(agent, this.rules));
      this.lanes.set(prefix, entry);
    }
    this.lanesByPrefix.set(spelled, entry);
    return entry;
  }

  private seriesOf(vehicle: string, stream: string): SeriesEntry {
    const name = `${stream}\0${vehicle}`; // neither a topic's nor a stream's name has that character
    let series = this.series.get(name);
    if (series === undefined) {
      series = new SeriesEntry(vehicle, stream);
      this.series.set(name, series);
    }
    return series;
  }

  private account(name: string): AccountEntry {
    let account = this.accounts.get(name);
    if (account === undefined) {
      account = new AccountEntry(name);
      this.accounts.set(name, account);
    }
    return account;
  }

  private refuse(offset: number, reason: string): void {
    this.refused.add(offset, reason);
  }
}

/** The account of a topic's records without an identity. An agent's name has no space in it. */
export function foreignAccount(topic: string): string {
  return `topic ${topic}`;
}

interface EventParts {
  readonly key: string;
  readonly time: number;
  readonly seq: number;
  readonly offset: number;
  readonly value: Buffer | null;
  readonly kafkaMs: number;
}

/** The numbers of `…/seq@time`; undefined for markers and for whatever else is not plainly that. */
function quickNumbers(text: string, start: number): { seq: number; time: number } | undefined {
  const at = text.indexOf("@", start);
  // 14 digits are within the bounds of a number and of a time.
  if (at <= start || text.length - at > 15 || at - start > 14) return undefined;
  const seq = digits(text, start, at);
  const time = digits(text, at + 1, text.length);
  return seq < 0 || time < 0 ? undefined : { seq, time };
}

function digits(text: string, from: number, to: number): number {
  let number = from < to ? 0 : -1;
  for (let index = from; index < to; index++) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
