/**
 * A channel made of two: one in memory, and one in the agent's file. Batches are put into memory. When that is full, its
 * oldest ones go to the disk, in commits of their own; so does everything at a clean stop (`close`). The position of a
 * source moves when its batch was delivered, or is on the disk.
 *
 * Each lane has its own page: spillable-lane.ts. Lanes that an earlier start left on the disk are drained before new ones
 * of the same group, under the names that their records carry.
 */
import { Gate } from "../../../shared/async/gate.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, endsProcess, messageOf } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type {
  Admission,
  ChannelSettings,
  ChannelStat,
  LaneReader,
  OldestHeld,
  SelfKeptChannel,
  StoreKeptChannel,
} from "../../core/channel.ts";
import type { ChannelStore, CommitWork } from "../../core/channel-store.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { MemoryChannel } from "../memory/memory-channel.ts";
import { MemoryLane } from "../memory/memory-lane.ts";
import { identityOf, type Spill, SpillableLane } from "./spillable-lane.ts";
import { signals } from "./telemetry.ts";

/** What a channel is made from. */
export interface SpillableChannelOptions {
  readonly name: string;
  readonly agent: string;
  readonly settings: ChannelSettings;
  readonly memoryBytesMax: number;
  /** It has a channel of this name. */
  readonly store: ChannelStore;
  readonly clock: Clock;
  readonly report: Report;
}

/** What one commit writes to the disk, about: more would hold the thread for long. */
const spillBytesMax = 4 * 1024 * 1024;
const retryMs = 1_000;

export class SpillableChannel implements SelfKeptChannel {
  readonly name: string;
  readonly settings: ChannelSettings;
  readonly keeping = "memory";
  readonly room = new Gate();

  private readonly memory: MemoryChannel;
  private readonly disk: StoreKeptChannel;
  private readonly lanesHeld = new Map<Lane, SpillableLane>();
  /** Is on its way to the disk, or failed to get there: the same object until it succeeds (`ChannelStore.commit`). */
  private pending: { readonly work: CommitWork; readonly spills: readonly Spill[] } | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly closed = new AbortController();

  constructor(private readonly options: SpillableChannelOptions) {
    const { name, agent, settings, memoryBytesMax: bytesMax, store, clock } = options;
    this.name = name;
    this.settings = settings;
    const epoch = () => store.epoch;
    this.memory = new MemoryChannel({ name, agent, settings, bytesMax, full: "block", ttlMs: undefined, epoch, clock });
    this.disk = store.channel(name);
    this.disk.handOver();
    this.adoptAll();
    void this.watch(this.memory.room);
    void this.watch(this.disk.room);
  }

  get arrived(): Gate {
    return this.memory.arrived;
  }

  lanes(): readonly Lane[] {
    return [...this.lanesHeld.keys()];
  }

  createLane(spec: LaneSpec): Lane {
    const lane = this.memory.createLane(spec);
    this.lanesHeld.set(lane, new SpillableLane(this.memory.reader(lane), this));
    return lane;
  }

  nextSeq(lane: Lane): number {
    return this.reader(lane).memory.put;
  }

  oldest(lane: Lane): OldestHeld {
    const { from, isOnDisk, disk, memory } = this.reader(lane);
    const onDisk = isOnDisk && disk !== undefined ? this.disk.oldest(disk.lane) : undefined;
    return { from, timeMs: onDisk === undefined ? memory.batches[0]?.timeMsMin : onDisk.timeMs };
  }

  admission(): Admission {
    if (this.hasRoom()) return "open";
    this.relieve();
    if (this.hasRoom()) return "open";
    const disk = this.disk.admission();
    return disk === "open" && this.holdsInMemory() ? "blocked" : disk;
  }

  reader(lane: Lane): SpillableLane {
    const found = this.lanesHeld.get(lane);
    invariant(found !== undefined, `lane ${lane.id} is not of channel "${this.name}"`);
    return found;
  }

  /** `ended` is called when a batch was delivered or buried, or is on the disk. */
  put(batches: readonly PutBatch[], ended: () => void): void {
    this.memory.put(batches, ended);
    if (!this.hasRoom()) this.relieve();
  }

  handOver(): void {
    this.memory.handOver();
  }

  isBehind(): boolean {
    return this.memory.isBehind() || [...this.lanesHeld.values()].some(({ isOnDisk }) => isOnDisk);
  }

  stat(): ChannelStat {
    const [memory, disk] = [this.memory.stat(), this.disk.stat()];
    const books = new Map(disk.lanes.map((stat) => [stat.lane, stat]));
    const admission = this.admission();
    return {
      events: memory.events + disk.events,
      batches: memory.batches + disk.batches,
      bytes: memory.bytes + disk.bytes,
      bytesMax: memory.bytesMax + disk.bytesMax,
      oldestMs: disk.batches > 0 ? disk.oldestMs : memory.oldestMs,
      admission,
      fullBy: admission === "open" ? undefined : (disk.fullBy ?? "disk"),
      lanes: [...this.lanesHeld.values()].map((lane) =>
        lane.stat(lane.disk === undefined ? undefined : books.get(lane.disk.lane)),
      ),
    };
  }

  /** Writes what memory holds to the disk: a clean stop loses nothing. */
  async close(): Promise<number> {
    this.closed.abort();
    clearTimeout(this.retry);
    try {
      while (this.write());
    } catch (error) {
      this.options.report(signals.left, { ...this.failure(error), events: this.memory.stat().events });
    }
    return this.memory.stat().events;
  }

  // What its lanes ask for.

  get agent(): string {
    return this.options.agent;
  }

  openOnDisk({ id: _id, number: _number, epoch: _epoch, ...spec }: Lane): LaneReader {
    return this.disk.reader(this.disk.createLane(spec));
  }

  nextOnDisk({ lane }: LaneReader): number {
    return this.disk.nextSeq(lane);
  }

  spill(lane: SpillableLane): void {
    this.settle();
    this.write([lane]);
  }

  settle(): void {
    if (this.pending !== undefined) this.write();
  }

  /** Brings memory below its bound, as far as the disk takes it. */
  private relieve(): void {
    try {
      while (!this.hasRoom() && this.disk.admission() === "open" && this.write()) {
        this.options.report(signals.began, { component: this.name });
      }
    } catch (error) {
      this.options.report(signals.failed, this.failure(error));
      if (this.closed.signal.aborted) return;
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.relieve(), retryMs);
      this.retry.unref();
    }
  }

  /** One commit. False when memory holds nothing that could be written. @throws AppError what the disk says. */
  private write(lanes: Iterable<SpillableLane> = this.lanesHeld.values()): boolean {
    this.pending ??= gather(lanes);
    const { work, spills } = this.pending;
    if (spills.length > 0) this.options.store.commit(work);
    this.pending = undefined;
    for (const spill of spills) spill.lane.spilled(spill);
    return spills.length > 0;
  }

  private hasRoom(): boolean {
    return this.memory.admission() === "open";
  }

  private holdsInMemory(): boolean {
    return [...this.lanesHeld.values()].some(({ memory }) => memory.batches.length > 0);
  }

  private async watch(gate: Gate): Promise<void> {
    const { signal } = this.closed;
    for (await gate.wait(signal); !signal.aborted; await gate.wait(signal)) {
      if (!this.hasRoom()) this.relieve();
      this.room.open();
    }
  }

  /** Lanes that an earlier start left on the disk, the oldest first; their ids come before those of new lanes. */
  private adoptAll(): void {
    const held = this.disk.lanes().filter((lane) => this.disk.oldest(lane).from < this.disk.nextSeq(lane));
    for (const [index, lane] of held.entries()) {
      const reader = this.disk.reader(lane);
      const { epoch, number, shift } = namedByItsRecords(reader);
      const named: Lane = { ...lane, id: index - held.length, epoch, number, isDrainedOnly: true };
      const nothing = () => undefined;
      const adopted = new SpillableLane(new MemoryLane(named, this.agent, nothing, nothing), this);
      adopted.adopt(reader, { shift, from: this.disk.oldest(lane).from + shift, end: this.disk.nextSeq(lane) + shift });
      this.lanesHeld.set(named, adopted);
    }
  }

  private failure(error: unknown) {
    if (!(error instanceof AppError) || endsProcess(error)) throw error;
    return { component: this.name, error: messageOf(error), hint: error.hint };
  }
}

function gather(lanes: Iterable<SpillableLane>): { readonly work: CommitWork; readonly spills: readonly Spill[] } {
  const spills: Spill[] = [];
  let bytes = 0;
  for (const lane of lanes) {
    if (bytes >= spillBytesMax) break;
    const spill = lane.spill(spillBytesMax - bytes);
    if (spill === undefined) continue;
    spills.push(spill);
    bytes += spill.bytes;
  }
  return { work: { batches: spills.flatMap(({ puts }) => puts), positions: [], counters: [] }, spills };
}

/** The lane that the records themselves name; its own name where they have no identity, or one that others gave them. */
function namedByItsRecords(reader: LaneReader) {
  const { epoch, number, carries = false } = reader.lane;
  if (carries) return { epoch, number, shift: 0 };
  for (let batch = reader.next(); batch !== undefined; batch = reader.next(batch)) {
    if (batch.kind !== "records") continue;
    const identity = identityOf(batch);
    if (identity === undefined) break;
    return { epoch: identity.epoch, number: identity.lane, shift: identity.first - batch.first };
  }
  return { epoch, number, shift: 0 };
}
