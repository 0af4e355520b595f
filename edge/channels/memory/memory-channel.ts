import { createHash } from "node:crypto";
import { Gate } from "../../../shared/async/gate.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type {
  Admission,
  ChannelSettings,
  ChannelStat,
  FullPolicy,
  OldestHeld,
  SelfKeptChannel,
} from "../../core/channel.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { type MemoryBatch, MemoryLane } from "./memory-lane.ts";

/** What a channel is made from. */
export interface MemoryChannelOptions {
  readonly name: string;
  readonly agent: string;
  readonly settings: ChannelSettings;
  readonly bytesMax: number;
  readonly full: FullPolicy;
  readonly ttlMs: number | undefined;
  /** The agent's now; the channel's own begins with it. */
  readonly epoch: () => string;
  readonly clock: Clock;
}

/**
 * One channel in memory. A lane is its own reader.
 *
 * Its epoch is one of this process and this channel alone: its numbers begin at 0 with each start, and two channels of one
 * stream number their lanes each for itself. It begins with the agent's, so a lane that is made after that was renewed has another.
 */
export class MemoryChannel implements SelfKeptChannel {
  readonly name: string;
  readonly settings: ChannelSettings;
  readonly keeping = "memory";
  readonly room = new Gate();
  readonly arrived = new Gate();

  private readonly lanesMade: MemoryLane[] = [];
  private readonly laneNumbers = new Map<string, number>();
  /** Of this process and this channel. */
  private readonly start: string;
  private heldBytes = 0;

  constructor(private readonly options: MemoryChannelOptions) {
    this.name = options.name;
    this.settings = options.settings;
    const { clock, name } = options;
    const start = `${clock.bootId()} ${clock.uptimeMs()} ${process.pid} ${name}`;
    this.start = createHash("sha256").update(start).digest("hex").slice(0, 8);
  }

  lanes(): readonly Lane[] {
    return this.lanesMade.map(({ lane }) => lane);
  }

  createLane(spec: LaneSpec): Lane {
    const { laneNumbers } = this;
    const epoch = `${this.options.epoch()}-${this.start}`;
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

  oldest(lane: Lane): OldestHeld {
    const { batches, put } = this.reader(lane);
    const [head] = batches;
    return { from: head?.first ?? put, timeMs: head?.timeMsMin };
  }

  admission(): Admission {
    this.expire();
    const { bytesMax, full } = this.options;
    if (this.heldBytes < bytesMax) return "open";
    if (full === "drop_newest") return "dropping";
    return full === "drop_oldest" && this.sheddable() !== undefined ? "open" : "blocked";
  }

  reader(lane: Lane): MemoryLane {
    const found = this.lanesMade[lane.id - 1];
    invariant(found !== undefined && found.lane === lane, `lane ${lane.id} is not of channel "${this.name}"`);
    return found;
  }

  /** `ended` is called when a batch was delivered, shed or buried. */
  put(batches: readonly PutBatch[], ended: () => void): void {
    for (const batch of batches) this.putOne(batch, ended);
    this.arrived.open();
  }

  handOver(): void {
    for (const lane of this.lanesMade) lane.seqAtStart = lane.put;
  }

  async close(): Promise<number> {
    return this.stat().events;
  }

  private putOne(batch: PutBatch, ended: () => void): void {
    const { bytesMax, full } = this.options;
    this.heldBytes += batch.bytes.length;
    while (full === "drop_oldest" && this.heldBytes > bytesMax) {
      const oldest = this.sheddable();
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
      bytesMax: this.options.bytesMax,
      oldestMs: batches === 0 ? undefined : this.options.clock.uptimeMs() - oldestPutMs,
      admission: this.heldBytes < this.options.bytesMax ? "open" : this.admission(),
      fullBy: this.heldBytes < this.options.bytesMax ? undefined : "capacity",
      lanes,
    };
  }

  private shrank(bytes: number): void {
    this.heldBytes -= bytes;
    if (this.heldBytes < this.options.bytesMax) this.room.open();
  }

  private sheddable(): { readonly lane: MemoryLane; readonly batch: MemoryBatch } | undefined {
    let found: { readonly lane: MemoryLane; readonly batch: MemoryBatch } | undefined;
    for (const lane of this.lanesMade) {
      const batch = lane.oldestUntaken();
      if (batch !== undefined && (found === undefined || batch.putMs < found.batch.putMs)) found = { lane, batch };
    }
    return found;
  }

  private expire(): void {
    const { ttlMs, clock } = this.options;
    if (ttlMs === undefined) return;
    const putMsMin = clock.uptimeMs() - ttlMs;
    for (let head = this.sheddable(); head !== undefined && head.batch.putMs < putMsMin; head = this.sheddable()) {
      head.lane.shed(head.batch, "ttl");
    }
  }
}
