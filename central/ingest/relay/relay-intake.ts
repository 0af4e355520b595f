/**
 * Relayed bodies → store, in the writing half. All that wait when a transaction ends are in the next one, so a hundred
 * vehicles cost as many syncs as one. A body is answered after the commit that holds the last of its records.
 *
 *   - a body that nobody can read, or that speaks for an agent that is not its key's: refused alone, before the store
 *   - store away: held for a while, so that an outage of seconds costs no second upload; then `CENTRAL_STORE_UNAVAILABLE`
 *   - a poison record: halved until it stands alone, put aside; the others are stored
 *   - a body whose sender is gone meanwhile is stored all the same: it comes again, and the ledger knows it
 */
import { othersTurn } from "../../../shared/async/others-turn.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { agentsOf, type TopicRule } from "../../ledger/admission.ts";
import { relayLine } from "../../records/partition.ts";
import type { RecordBlock, RecordSlice } from "../../records/record-block.ts";
import { countRecords, takeRecords } from "../../records/record-slices.ts";
import type { RelayAppend, Store } from "../../store/store.ts";
import { conflictFound, recordDead } from "../../telemetry.ts";
import type { IngestCounters } from "../counters.ts";
import { affordable, recordsPerAppend } from "../one-append.ts";
import type { SenderWatch } from "../sender-watch.ts";
import type { StoreWatch } from "../store-watch.ts";
import { readRelayedBody } from "./relayed-body.ts";

export interface RelayIntakeOptions {
  readonly store: Store;
  readonly watch: StoreWatch;
  readonly counters: IngestCounters;
  readonly senders: SenderWatch;
  readonly clock: Clock;
  /** What it says is counted in `counters` where the signal says so. */
  readonly report: Report;
  readonly fatal: (thrown: unknown) => void;
  /** Which agents a key is for: as for a topic, by the key's name. */
  readonly agents: readonly TopicRule[];
  readonly keys: (() => KeyList) | undefined;
  /** How long bodies wait for a store that is away. */
  readonly holdMs?: number;
}

/** What came in one request. */
export interface RelayedBody {
  readonly bytes: Buffer;
  /** Name of the key that it came with; empty where none is asked for. */
  readonly key: string;
}

interface Waiting {
  readonly body: RelayedBody;
  readonly resolve: (records: number) => void;
  readonly reject: (thrown: unknown) => void;
}

interface Read {
  readonly waiting: Waiting;
  readonly blocks: readonly RecordBlock[];
  readonly records: number;
}

/** Shorter than any client's patience. */
const holdMsStandard = 10_000;
/** Decompressed records that are in memory for one round. */
const roundBytesMax = 16 * 1024 * 1024;

export class RelayIntake {
  private queue: Waiting[] = [];
  private running: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private recordsPerAppend = recordsPerAppend;
  private readonly agentsByKey = new Map<string, ((agent: string) => boolean) | undefined>();

  constructor(private readonly options: RelayIntakeOptions) {}

  /**
   * Resolves when the store has all of it, durably: how many records it were.
   *
   * @throws AppError `CENTRAL_RELAY_…` when it is refused; `CENTRAL_STORE_UNAVAILABLE` when the store does not take it now.
   */
  take(body: RelayedBody): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.stopping.signal.aborted) return reject(away("central is stopping"));
      this.queue.push({ body, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Ends what is in hand; what waits is turned away and comes again. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    // What comes in the same turn of the event loop is in the first transaction too.
    await othersTurn();
    while (this.queue.length > 0) {
      if (this.stopping.signal.aborted) {
        this.turnAway(away("central is stopping"));
        break;
      }
      await this.round();
      // The consumer and the snapshots have their turn.
      await othersTurn();
    }
    this.running = undefined;
  }

  private async round(): Promise<void> {
    const bodies = this.readSome();
    if (bodies.length === 0) return;
    const slices = bodies.flatMap(({ blocks }) => blocks.map((block) => ({ block, from: 0, to: block.count })));
    const { holdMs = holdMsStandard } = this.options;
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(holdMs)]);
    try {
      await this.storeAll(slices, signal);
      for (const { waiting, records } of bodies) waiting.resolve(records);
    } catch (thrown) {
      for (const { waiting } of bodies) waiting.reject(thrown);
      if (!(thrown instanceof AppError) || thrown.severity === "invariant") return this.options.fatal(thrown);
      // They have waited as long.
      this.turnAway(thrown);
    }
  }

  private turnAway(thrown: AppError): void {
    for (const { reject } of this.queue.splice(0)) reject(thrown);
  }

  /** As many bodies as one round may hold. Those that are refused are answered at once. */
  private readSome(): readonly Read[] {
    const bodies: Read[] = [];
    let bytes = 0;
    let records = 0;
    while (bytes < roundBytesMax && records < this.recordsPerAppend) {
      const waiting = this.queue.shift();
      if (waiting === undefined) break;
      try {
        const { body } = waiting;
        const rules = { mayName: this.agentsOf(body.key), keys: this.options.keys?.() };
        const blocks = readRelayedBody(body.bytes, rules);
        const count = blocks.reduce((sum, block) => sum + block.count, 0);
        for (const block of blocks) bytes += block.bytes.length;
        records += count;
        bodies.push({ waiting, blocks, records: count });
      } catch (thrown) {
        waiting.reject(thrown);
      }
    }
    return bodies;
  }

  private agentsOf(key: string): ((agent: string) => boolean) | undefined {
    if (!this.agentsByKey.has(key)) this.agentsByKey.set(key, agentsOf(key, this.options.agents));
    return this.agentsByKey.get(key);
  }

  private async storeAll(slices: readonly RecordSlice[], signal: AbortSignal): Promise<void> {
    let left = slices;
    while (left.length > 0) {
      const [now, later] = takeRecords(left, this.recordsPerAppend);
      await this.storeOr(now, signal);
      left = later;
    }
  }

  /** Stores them; halves what holds a poison record until it stands alone, and puts that one aside. */
  private async storeOr(records: readonly RecordSlice[], signal: AbortSignal): Promise<void> {
    try {
      await this.append({ records, dead: [] }, signal);
    } catch (thrown) {
      if (!hasCode(thrown, "CENTRAL_RECORD_POISON")) throw thrown;
      const [only] = records;
      const count = countRecords(records);
      if (count === 1 && only !== undefined) {
        await this.append({ records: [], dead: [{ ...only, reason: messageOf(thrown) }] }, signal);
        return;
      }
      for (const half of takeRecords(records, count >> 1)) await this.storeOr(half, signal);
    }
  }

  private async append(append: RelayAppend, signal: AbortSignal): Promise<void> {
    const { store, watch, counters, senders, clock, report } = this.options;
    let beganMs = 0;
    const work = () => {
      beganMs = clock.uptimeMs();
      return store.appendRelayed(append);
    };
    const result = await watch.untilStored(signal, async () => {}, work).catch(askAgain);
    const took = { records: countRecords(append.records), tookMs: clock.uptimeMs() - beganMs, isWaste: false };
    this.recordsPerAppend = affordable(took, this.recordsPerAppend);
    counters.count(result, clock.uptimeMs());
    counters.relayed += countRecords(append.records) + countRecords(append.dead);
    senders.count(append.records);
    const put = (reason: string, records: number) => report(recordDead, { ...relayLine, reason, records });
    for (const { reason, from, to } of append.dead) put(reason, to - from);
    for (const { reason, records } of result.refusals) put(reason, records);
    if (result.conflicts > 0) report(conflictFound, { ...relayLine, conflicts: result.conflicts });
  }
}

/** Whatever stands in the store's place now, it is away for whoever asks: the same body may be taken later. */
function askAgain(thrown: unknown): never {
  if (hasCode(thrown, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION")) throw away(messageOf(thrown));
  throw thrown;
}

function away(why: string): AppError {
  return new AppError("CENTRAL_STORE_UNAVAILABLE", `store what was relayed: ${why}`);
}
