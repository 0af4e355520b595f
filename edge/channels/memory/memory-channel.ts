import { Gate } from "../../../shared/async/gate.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { Admission, Channel, ChannelSettings, ChannelStat } from "../../core/channel.ts";
import type { ChannelChoice } from "../../core/define.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { type MemoryBatch, MemoryLane } from "./memory-lane.ts";

/** What a channel is made from. */
export interface MemoryChannelOptions {
  readonly name: string;
  readonly agent: string;
  readonly choice: ChannelChoice;
  readonly epoch: string;
  readonly clock: Clock;
  /** How many lanes each stream has, over all channels: two must not have one number. */
  readonly laneNumbers: Map<string, number>;
}

/** One channel in memory. A lane is its own reader. */
export class MemoryChannel implements Channel {
  readonly name: string;
  readonly settings: ChannelSettings;
  readonly durable = false;
  readonly room = new Gate();
  readonly arrived = new Gate();

  private readonly lanesMade: MemoryLane[] = [];
  private heldBytes = 0;

  constructor(private readonly options: MemoryChannelOptions) {
    this.name = options.name;
    this.settings = options.choice.settings;
  }

  lanes(): readonly Lane[] {
    return this.lanesMade.map(({ lane }) => lane);
  }

  createLane(spec: LaneSpec): Lane {
    const { epoch, laneNumbers } = this.options;
    const number = laneNumbers.get(spec.stream) ?? 0;
    laneNumbers.set(spec.stream, number + 1);
    const lane: Lane = { ...spec, id: this.lanesMade.length + 1, epoch, number };
    const shrank = (bytes: number) => this.shrank(bytes);
    this.lanesMade.push(new MemoryLane(lane, this.options.agent, shrank, () => this.expire()));
    return lane;
  }

  nextSeq(lane: Lane): number {
    return this.reader(lane).put;
  }

  admission(): Admission {
    this.expire();
    const { bytesMax, full } = this.options.choice;
    if (this.heldBytes < bytesMax) return "open";
    if (full === "drop_newest") return "dropping";
    return full === "drop_oldest" && this.oldest() !== undefined ? "open" : "blocked";
  }

  reader(lane: Lane): MemoryLane {
    const found = this.lanesMade[lane.id - 1];
    invariant(found !== undefined && found.lane === lane, `lane ${lane.id} is not of channel "${this.name}"`);
    return found;
  }

  /** Takes a batch; `ended` is called when it was delivered, shed or buried. */
  put(batch: PutBatch, ended: () => void): void {
    const { bytesMax, full } = this.options.choice;
    this.heldBytes += batch.bytes.length;
    while (full === "drop_oldest" && this.heldBytes > bytesMax) {
      const oldest = this.oldest();
      if (oldest === undefined) break;
      oldest.lane.shed(oldest.batch, "overflow");
    }
    this.reader(batch.lane).push({ ...batch, id: batch.first, putMs: this.options.clock.uptimeMs(), ended });
  }

  isBehind(): boolean {
    let batches = 0;
    for (const lane of this.lanesMade) batches += lane.batches.length;
    return batches > 2 * Math.max(1, this.lanesMade.length);
  }

  stat(): ChannelStat {
    this.expire();
    let events = 0;
    let batches = 0;
    let oldestPutMs = Number.POSITIVE_INFINITY;
    const lanes = this.lanesMade.map((lane) => {
      const stat = lane.stat();
      events += stat.held;
      batches += lane.batches.length;
      oldestPutMs = Math.min(oldestPutMs, lane.batches[0]?.putMs ?? oldestPutMs);
      return stat;
    });
    return {
      events,
      batches,
      bytes: this.heldBytes,
      bytesMax: this.options.choice.bytesMax,
      oldestMs: batches === 0 ? undefined : this.options.clock.uptimeMs() - oldestPutMs,
      admission: this.heldBytes < this.options.choice.bytesMax ? "open" : this.admission(),
      lanes,
    };
  }

  private shrank(bytes: number): void {
    this.heldBytes -= bytes;
    if (this.heldBytes < this.options.choice.bytesMax) this.room.open();
  }

  private oldest(): { readonly lane: MemoryLane; readonly batch: MemoryBatch } | undefined {
    let found: { readonly lane: MemoryLane; readonly batch: MemoryBatch } | undefined;
    for (const lane of this.lanesMade) {
      const batch = lane.oldestUntaken();
      if (batch !== undefined && (found === undefined || batch.putMs < found.batch.putMs)) found = { lane, batch };
    }
    return found;
  }

  private expire(): void {
    const { choice, clock } = this.options;
    if (choice.ttlMs === undefined) return;
    const putMsMin = clock.uptimeMs() - choice.ttlMs;
    for (let head = this.oldest(); head !== undefined && head.batch.putMs < putMsMin; head = this.oldest()) {
      head.lane.shed(head.batch, "ttl");
    }
  }
}
