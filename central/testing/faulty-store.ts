import { AppError } from "../../shared/errors/app-error.ts";
import type { Code } from "../../shared/errors/codes.ts";
import type { TopicPartition } from "../records/partition.ts";
import { type PlainRecord, plainRecord, type RecordSlice } from "../records/record-block.ts";
import type {
  Append,
  AppendResult,
  LaneSelection,
  Position,
  RelayAppend,
  RelayResult,
  Store,
  TopicMadeAnew,
} from "../store/store.ts";

/** A store that fails when told to, in front of a real one. */
export class FaultyStore implements Store {
  /** What the next calls throw, one each, before the store is asked. */
  readonly failures: Code[] = [];
  /** Appends that hold such a record are poison. */
  poison: (record: PlainRecord) => boolean = () => false;
  appends = 0;
  /** What the store takes its time for, each append anew; of the real clock. */
  appendMs = 0;
  /** Called at the begin of each append. */
  onAppend: (records: readonly RecordSlice[]) => void = () => {};

  constructor(private readonly inner: Store) {}

  get id(): string | undefined {
    return this.inner.id;
  }

  async position(partition: TopicPartition): Promise<Position | undefined> {
    this.fail();
    return await this.inner.position(partition);
  }

  async append(append: Append): Promise<AppendResult> {
    this.begin(append.records);
    if (this.appendMs > 0) await Bun.sleep(this.appendMs);
    return await this.inner.append(append);
  }

  async appendRelayed(append: RelayAppend): Promise<RelayResult> {
    this.begin(append.records);
    return await this.inner.appendRelayed(append);
  }

  async startOver(topic: TopicMadeAnew): Promise<Position> {
    this.fail();
    return await this.inner.startOver(topic);
  }

  async quarantine(agent: string, on: boolean): Promise<void> {
    this.fail();
    await this.inner.quarantine(agent, on);
  }

  async forget(lanes: LaneSelection): Promise<number> {
    this.fail();
    return await this.inner.forget(lanes);
  }

  async probe(): Promise<void> {
    this.fail();
    await this.inner.probe();
  }

  async ask(): Promise<void> {
    this.fail();
    await this.inner.ask();
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  private begin(records: readonly RecordSlice[]): void {
    this.fail();
    this.appends++;
    this.onAppend(records);
    for (const { block, from, to } of records) {
      for (let index = from; index < to; index++) {
        if (this.poison(plainRecord(block, index))) {
          throw new AppError("CENTRAL_RECORD_POISON", "store a record: it does not like it");
        }
      }
    }
  }

  private fail(): void {
    const code = this.failures.shift();
    if (code !== undefined) throw new AppError(code, "fail as told");
  }
}
