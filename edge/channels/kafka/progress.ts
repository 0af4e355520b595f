/**
 * How far the sinks are in the topic, as rows of the agent's own file: written when a batch is about to be delivered, when a
 * sink opens a session, and after acknowledgements. Small commits without an fsync: a kill loses none of it, a power cut may.
 */
import { AppError, endsProcess, messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { ChannelStore, CommitWork } from "../../core/channel-store.ts";
import type { LanePart } from "../../core/lane.ts";
import { signals } from "./telemetry.ts";

/** What is stored of a lane. */
export interface TakenRow {
  readonly number: number;
  readonly epoch: string;
  readonly partition: number;
  readonly group: string;
  readonly part: LanePart | undefined;
  /** The offset after its last record that a sink has. */
  readonly next: number;
  /** The number that the record there gets. */
  readonly seq: number;
  /** The end of the batch that was handed to a sink last, and the offset of its last record. */
  readonly leased: number;
  readonly leasedOffset: number;
  readonly mark: string | undefined;
  readonly sessions: Readonly<Record<string, string>>;
}

const retryMs = 1_000;
const partitionPrefix = "partition/";

export class TopicProgress {
  private readonly dirty = new Map<string, string | undefined>();
  /** On its way: the same object until it succeeds (`ChannelStore.commit`). */
  private pending: CommitWork | undefined;
  private scheduled: ReturnType<typeof setImmediate> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private readonly rows: Map<string, string>;

  constructor(
    private readonly store: ChannelStore,
    /** No source's name has a slash. */
    private readonly stream: string,
    private readonly report: Report,
  ) {
    this.rows = new Map(store.positions(stream));
  }

  /** The id of the topic that the rows are about. */
  get topicId(): string | undefined {
    return this.rows.get("topic");
  }

  set topicId(id: string | undefined) {
    this.dirty.set("topic", id);
  }

  /** No lane has had this number, or a larger one. */
  get nextNumber(): number {
    return Number(this.rows.get("numbers") ?? 0);
  }

  set nextNumber(number: number) {
    this.dirty.set("numbers", String(number));
  }

  /** As they were stored at the start. */
  lanes(): readonly TakenRow[] {
    const found: TakenRow[] = [];
    for (const [key, text] of this.rows) {
      const number = /^lane\/(\d+)$/.exec(key)?.[1];
      const row = number === undefined ? undefined : parseRow(Number(number), text);
      if (row !== undefined) found.push(row);
    }
    return found.toSorted((one, other) => one.number - other.number);
  }

  /** Where a partition goes on; undefined: it was never read. */
  partition(partition: number): number | undefined {
    const text = this.rows.get(`${partitionPrefix}${partition}`);
    return text === undefined ? undefined : Number(text);
  }

  setLane({ number, ...row }: TakenRow): void {
    this.dirty.set(`lane/${number}`, JSON.stringify(row));
  }

  forgetLane(number: number): void {
    this.dirty.set(`lane/${number}`, undefined);
  }

  setPartition(partition: number, next: number | undefined): void {
    this.set(`${partitionPrefix}${partition}`, next === undefined ? undefined : String(next));
  }

  /** Nothing that was stored of any partition counts any more. */
  forgetPartitions(): void {
    for (const key of [...this.rows.keys()]) if (key.startsWith(partitionPrefix)) this.set(key, undefined);
  }

  /** Writes what has changed. @throws AppError what the disk says; it is tried again. */
  flush(): void {
    const { store, stream, dirty } = this;
    try {
      if (this.pending !== undefined) store.commit(this.pending);
      this.pending = undefined;
      if (dirty.size === 0) return;
      const positions = [...dirty].map(([key, value]) => ({ stream, key, value }));
      dirty.clear();
      this.pending = { batches: [], positions, counters: [] };
      store.commit(this.pending);
      this.pending = undefined;
    } catch (thrown) {
      if (thrown instanceof AppError && !endsProcess(thrown)) this.again(thrown);
      throw thrown;
    }
  }

  /** Soon, with what else changes in this turn. */
  later(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.try();
    });
  }

  close(): void {
    if (this.scheduled !== undefined) clearImmediate(this.scheduled);
    this.scheduled = undefined;
    this.try();
    clearTimeout(this.retry);
  }

  private set(key: string, value: string | undefined): void {
    if (value === undefined) this.rows.delete(key);
    else this.rows.set(key, value);
    this.dirty.set(key, value);
  }

  private try(): void {
    try {
      this.flush();
    } catch (thrown) {
      if (!(thrown instanceof AppError) || endsProcess(thrown)) throw thrown;
    }
  }

  private again(error: AppError): void {
    this.report(signals.notStored, { error: messageOf(error), hint: error.hint });
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.try(), retryMs);
    this.retry.unref();
  }
}

function parseRow(number: number, text: string): TakenRow | undefined {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
  if (typeof row !== "object" || row === null) return undefined;
  const value = (name: string): unknown => Reflect.get(row, name);
  const amount = (name: string): number => Number(value(name));
  const [epoch, group, mark] = [value("epoch"), value("group"), value("mark")];
  const numbers = { partition: amount("partition"), next: amount("next"), seq: amount("seq") };
  const lease = { leased: amount("leased"), leasedOffset: amount("leasedOffset") };
  if (typeof epoch !== "string" || typeof group !== "string") return undefined;
  if (!Object.values({ ...numbers, ...lease }).every(Number.isSafeInteger)) return undefined;
  return {
    number,
    epoch,
    group,
    part: partOf(value("part")),
    ...numbers,
    ...lease,
    mark: typeof mark === "string" ? mark : undefined,
    sessions: textsOf(value("sessions")),
  };
}

function partOf(value: unknown): LanePart | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const number = (name: string) => Number(Reflect.get(value, name));
  return { index: number("index"), parts: number("parts"), generation: number("generation") };
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
