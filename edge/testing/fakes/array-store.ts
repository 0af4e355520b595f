import { Gate } from "../../../shared/async/gate.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type {
  Admission,
  ChannelSettings,
  ChannelStat,
  LaneReader,
  OldestHeld,
  StoreKeptChannel,
} from "../../core/channel.ts";
import type { ChannelStore, CommitWork } from "../../core/channel-store.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";

/** A channel that is an array: for tests of the engine, which must not depend on any real channel. */
export class ArrayChannel implements StoreKeptChannel {
  readonly keeping = "store";
  readonly room = new Gate();
  readonly arrived = new Gate();
  readonly held: StoredBatch[] = [];
  readonly buried: { batch: StoredBatch; reason: string }[] = [];
  readonly acknowledged: StoredBatch[] = [];
  admissionNow: Admission = "open";
  fullBy: "capacity" | "disk" | undefined;
  private readonly lanesMade: Lane[] = [];
  private readonly sequences = new Map<number, number>();
  private nextId = 1;

  constructor(
    readonly name: string,
    private readonly store: { readonly epoch: string },
    readonly settings: ChannelSettings = { compression: "none", identity: true, batchBytesMax: 900_000 },
  ) {}

  lanes(): readonly Lane[] {
    return this.lanesMade;
  }

  createLane(spec: LaneSpec): Lane {
    const { epoch } = this.store;
    const number = this.lanesMade.filter((lane) => lane.stream === spec.stream && lane.epoch === epoch).length;
    const lane = { ...spec, id: this.lanesMade.length + 1, number, epoch };
    this.lanesMade.push(lane);
    return lane;
  }

  nextSeq(lane: Lane): number {
    return this.sequences.get(lane.id) ?? 0;
  }

  oldest({ id }: Lane): OldestHeld {
    const head = this.held.find(({ lane }) => lane.id === id);
    return { from: head?.first ?? this.sequences.get(id) ?? 0, timeMs: head?.timeMsMin };
  }

  admission(): Admission {
    return this.admissionNow;
  }

  handOver(): void {}

  put(batch: PutBatch): void {
    if (batch.first !== this.nextSeq(batch.lane))
      throw new Error(`lane ${batch.lane.id}: a hole before ${batch.first}`);
    this.sequences.set(batch.lane.id, batch.first + batch.count);
    this.held.push({ ...batch, id: this.nextId++ * 1000 });
  }

  reader(lane: Lane): LaneReader {
    const sessions = new Map<string, string>();
    return {
      lane,
      mark: undefined,
      seqAtStart: 0,
      begins: 0,
      next: (after) => this.held.find((batch) => batch.lane.id === lane.id && batch.id > (after?.id ?? 0)),
      kept: (seq) =>
        this.acknowledged.find(
          ({ lane: { id }, first, count }) => id === lane.id && seq >= first && seq < first + count,
        ),
      readAhead: () => undefined,
      lease: () => undefined,
      acknowledge: (batch) => this.acknowledged.push(this.remove(batch)),
      bury: (batch, reason) => this.buried.push({ batch: this.remove(batch), reason }),
      replace: (batch, parts) => {
        const at = this.held.indexOf(batch);
        this.held.splice(at, 1, ...parts.map((part, index) => ({ ...part, id: batch.id + index })));
      },
      session: (destination) => sessions.get(destination),
      saveSession: (destination, session) => void sessions.set(destination, session),
      count: () => undefined,
    };
  }

  isBehind(): boolean {
    return this.held.length > 2 * Math.max(1, this.lanesMade.length);
  }

  stat(): ChannelStat {
    const events = this.held.reduce((sum, { count }) => sum + count, 0);
    const bytes = this.held.reduce((sum, batch) => sum + batch.bytes.length, 0);
    const lanes = this.lanesMade.map((lane) => {
      const count = (batches: readonly StoredBatch[]) =>
        batches.reduce((sum, batch) => sum + (batch.lane.id === lane.id ? batch.count : 0), 0);
      const dead = count(this.buried.map(({ batch }) => batch));
      return {
        lane,
        put: this.nextSeq(lane),
        sent: count(this.acknowledged),
        shed: 0,
        dead,
        held: count(this.held),
        counters: {},
      };
    });
    const { admissionNow: admission, fullBy } = this;
    return { events, batches: this.held.length, bytes, bytesMax: 1e9, oldestMs: undefined, admission, fullBy, lanes };
  }

  private remove(batch: StoredBatch): StoredBatch {
    const at = this.held.findIndex(({ id }) => id === batch.id);
    if (at < 0) throw new Error(`batch ${batch.id} is not held`);
    this.held.splice(at, 1);
    return batch;
  }
}

/** A store over such channels; `failures` makes the next commits fail. */
export class ArrayStore implements ChannelStore {
  epoch = "epoch0";
  failures = 0;
  unmarkedBytes = 0;
  readonly commits: CommitWork[] = [];
  readonly refused: CommitWork[] = [];
  closed = false;
  /** What `misplaced` answers. */
  misplacedBecause: string | undefined;
  private readonly channels = new Map<string, ArrayChannel>();
  private readonly stored = new Map<string, Map<string, string>>();
  private readonly counted = new Map<string, Map<string, number>>();

  channel(name: string): ArrayChannel {
    let channel = this.channels.get(name);
    if (channel === undefined) {
      channel = new ArrayChannel(name, this);
      this.channels.set(name, channel);
    }
    return channel;
  }

  configure(): void {}

  misplaced(): string | undefined {
    return this.misplacedBecause;
  }

  commit(work: CommitWork): void {
    if (this.failures > 0) {
      this.failures--;
      this.refused.push(work);
      throw new AppError("EDGE_CHANNEL_FULL", "commit in a test: disk full");
    }
    this.commits.push(work);
    for (const { stream, key, value } of work.positions) {
      const positions = this.stored.get(stream) ?? new Map<string, string>();
      this.stored.set(stream, positions);
      if (value === undefined) positions.delete(key);
      else positions.set(key, value);
    }
    for (const { stream, name, amount } of work.counters) {
      const counters = this.counted.get(stream) ?? new Map<string, number>();
      this.counted.set(stream, counters);
      counters.set(name, (counters.get(name) ?? 0) + amount);
    }
    for (const batch of work.batches) this.channel(batch.lane.channel).put(batch);
    for (const name of new Set(work.batches.map(({ lane }) => lane.channel))) this.channel(name).arrived.open();
  }

  positions(stream: string): ReadonlyMap<string, string> {
    return new Map(this.stored.get(stream));
  }

  streams(): ReadonlySet<string> {
    return new Set([...this.stored].flatMap(([stream, positions]) => (positions.size > 0 ? [stream] : [])));
  }

  counters(stream: string): ReadonlyMap<string, number> {
    return this.counted.get(stream) ?? new Map();
  }

  renewEpoch(): void {
    this.epoch = `${this.epoch}+`;
  }

  close(): void {
    this.closed = true;
  }
}
