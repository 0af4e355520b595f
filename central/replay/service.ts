/**
 * Runs the jobs of the store's table in the writing half. Every second it takes those that run and are nobody's: jobs of a process
 * that died are nobody's when their lease is over. What pauses, cancels or takes one over is seen at its next word to the store.
 */
import { Backoff } from "../../shared/async/backoff.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import type { KafkaConnection } from "../../shared/kafka/connection/client.ts";
import { type AskingLink, createKafkajsLink } from "../../shared/kafka/connection/kafkajs-link.ts";
import type { Random } from "../../shared/random/random.ts";
import type { KeyList } from "../../shared/signature/key-list.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { ArrivalBuilder } from "../consumer/kafka/arrival.ts";
import type { ReplayDefinition, ReplayJob, ReplayStore, ReplayTurn } from "../store/replay-port.ts";
import type { Store } from "../store/store.ts";
import type { ErasureCounts, ReplayOperations } from "./calls.ts";
import { codes } from "./codes.ts";
import { Feed } from "./feed.ts";
import { RecordFilter } from "./filter.ts";
import { intoStore } from "./into-store.ts";
import { intoTopic } from "./into-topic.ts";
import { JobRun } from "./job-run.ts";
import { Cluster } from "./kafka/cluster.ts";
import { RecordRate } from "./rate-limit.ts";
import { resolveRange } from "./resolve.ts";
import { erasureEnded, replayBegun, replayEnded, replayFailed, replayWaits } from "./telemetry.ts";

/** What it stands on. */
export interface ReplayServiceOptions {
  readonly store: Store;
  readonly replays: ReplayStore;
  /** Undefined: there is no Kafka, and so nothing to read again. */
  readonly connection: KafkaConnection | undefined;
  /** Undefined: signatures are not looked at. */
  readonly keys: (() => KeyList) | undefined;
  /** Topics that the consumer stores. */
  readonly own: { readonly names: readonly string[]; readonly pattern: RegExp | undefined };
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
  /** Our own assumption was broken: the process must end. */
  readonly fatal: (thrown: unknown) => void;
}

/** What the page of metrics is told. */
export interface ReplayCounters {
  readonly running: number;
  /** Records that replays of this process have looked at. */
  readonly read: number;
}

const lookEveryMs = 1_000;
/** A process that died keeps its jobs for so long. */
const leaseMs = 5_000;
const atOnceMax = 4;

export class ReplayService implements ReplayOperations {
  private readonly owner = crypto.randomUUID();
  private readonly running = new Map<number, { readonly stop: AbortController; readonly ended: Promise<void> }>();
  private readonly stopping = new AbortController();
  private readonly link: AskingLink | undefined;
  private looking: Promise<void> | undefined;
  private read = 0;

  constructor(private readonly options: ReplayServiceOptions) {
    const { connection, report, random } = options;
    const times = { connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 };
    this.link = connection && createKafkajsLink({ ...connection, ...times, report, random, component: "replay" });
  }

  start(): void {
    this.looking = this.look();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const { stop } of this.running.values()) stop.abort();
    this.link?.close();
    await this.looking;
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  get counters(): ReplayCounters {
    return { running: this.running.size, read: this.read };
  }

  async create(definition: ReplayDefinition, by: string): Promise<number> {
    const { into } = definition;
    if (this.link === undefined) throw new AppError(codes.CENTRAL_REPLAY_NO_KAFKA, "begin a replay: there is no Kafka");
    if (into.kind === "topic") {
      const topics = definition.topics ?? (await this.topics());
      const { names, pattern } = this.options.own;
      if (topics.includes(into.topic) || names.includes(into.topic) || pattern?.test(into.topic) === true) {
        throw new AppError(codes.CENTRAL_REPLAY_TARGET, `replay into ${into.topic}: it would read what it writes`);
      }
    }
    return await this.options.replays.createReplay(definition, by);
  }

  async turn(id: number, turn: ReplayTurn): Promise<void> {
    await this.options.replays.turnReplay(id, turn);
    if (turn !== "resume") this.running.get(id)?.stop.abort();
  }

  async erase(vehicle: string, by: string): Promise<ErasureCounts> {
    const sum = { events: 0, deadLetters: 0, conflicts: 0 };
    for (;;) {
      const step = await this.options.replays.erase(vehicle, by);
      sum.events += step.events;
      sum.deadLetters += step.deadLetters;
      sum.conflicts += step.conflicts;
      if (step.done) break;
      await sleep(1, this.stopping.signal);
    }
    this.options.report(erasureEnded, sum);
    return sum;
  }

  async unsuppress(vehicle: string): Promise<boolean> {
    return await this.options.replays.unsuppress(vehicle);
  }

  private async topics(): Promise<readonly string[]> {
    return [...new Set([...this.options.own.names, ...(await this.options.replays.storedTopics())])].sort();
  }

  private async look(): Promise<void> {
    const { signal } = this.stopping;
    let begun = false;
    while (!signal.aborted) {
      try {
        if (!begun) await this.finishErasures();
        begun = true;
        if (this.link === undefined) return;
        const jobs = await this.options.replays.takeReplays(this.owner, leaseMs, atOnceMax);
        const ids = new Set(jobs.map(({ id }) => id));
        for (const [id, { stop }] of this.running) if (!ids.has(id)) stop.abort();
        for (const job of jobs) if (!this.running.has(job.id)) this.begin(job);
      } catch (thrown) {
        // The consumer says that the store is away.
        if (!(thrown instanceof AppError) || thrown.severity === "invariant") return this.options.fatal(thrown);
      }
      await sleep(lookEveryMs, signal);
    }
  }

  private async finishErasures(): Promise<void> {
    for (const { vehicle, by } of await this.options.replays.unfinishedErasures()) await this.erase(vehicle, by);
  }

  private begin(job: ReplayJob): void {
    const stop = new AbortController();
    const ended = this.run(job, stop.signal).finally(() => void this.running.delete(job.id));
    this.running.set(job.id, { stop, ended });
  }

  private async run(job: ReplayJob, signal: AbortSignal): Promise<void> {
    const { replays: store, clock, report, random } = this.options;
    const run = new JobRun(job, signal, this.owner, { store, clock, report });
    const backoff = new Backoff({ initialMs: 200, maxMs: 5_000 }, random);
    report(replayBegun, { replay: job.id, into: job.definition.into.kind, by: job.askedBy });
    while (!signal.aborted) {
      try {
        if (!(await this.counted(run))) return;
        await run.save({ ended: "done" });
        report(replayEnded, { replay: job.id, records: readBy(run) });
        return;
      } catch (thrown) {
        if (signal.aborted || hasCode(thrown, "CENTRAL_STORE_FENCED")) return;
        if (!(thrown instanceof AppError) || thrown.severity === "invariant") return this.options.fatal(thrown);
        const ended = await this.failed(run, thrown);
        if (ended) return;
        await sleep(backoff.nextMs(), signal);
      }
    }
  }

  private async counted(run: JobRun): Promise<boolean> {
    const before = readBy(run);
    try {
      return await this.attempt(run);
    } finally {
      this.read += readBy(run) - before;
    }
  }

  /** True: it is over. */
  private async failed(run: JobRun, error: AppError): Promise<boolean> {
    const words = messageOf(error);
    const { id } = run.job;
    try {
      if (error.severity === "transient") {
        this.options.report(replayWaits, { component: `replay ${id}`, error: words, hint: error.hint });
        run.waits(words);
        return !(await run.save());
      }
      this.options.report(replayFailed, { replay: id, error: words, hint: error.hint });
      await run.save({ ended: "failed", error: words });
      return true;
    } catch (thrown) {
      // Nobody can be told now: the try after this one will say it.
      return !hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE");
    }
  }

  private async attempt(run: JobRun): Promise<boolean> {
    const { definition } = run.job;
    const { clock, store, replays, keys } = this.options;
    invariant(this.link !== undefined, "a job runs where there is Kafka");
    const cluster = new Cluster(this.link);
    if (!run.isResolved) await this.resolve(run, cluster);
    const filter = new RecordFilter(definition);
    const limit = new RecordRate(definition.recordsPerSecondMax, clock);
    const feeds = new Map<number, Feed>();
    const feed = (index: number): Feed => {
      const found = feeds.get(index) ?? new Feed(cluster, new ArrivalBuilder(keys), filter);
      feeds.set(index, found);
      return found;
    };
    if (definition.into.kind === "topic") {
      return await intoTopic(run, definition.into, { cluster, clock, limit, feed });
    }
    await this.boundByStore(run, store);
    return await intoStore(run, { store: replays, clock, limit, feed });
  }

  private async resolve(run: JobRun, cluster: Cluster): Promise<void> {
    const { definition } = run.job;
    const { store } = this.options;
    const into = definition.into.kind;
    const storedUpTo =
      into === "store" ? async (at: Parameters<Store["position"]>[0]) => (await store.position(at))?.next : undefined;
    const found = await resolveRange(definition, cluster, { topics: await this.topics(), storedUpTo });
    for (const range of found.gone) run.lost(range);
    for (const words of found.notes) run.note(words);
    run.begin(found.partitions);
    await run.save();
  }

  /** The store is another one than when the job began (a backup was put back), or a topic was made anew. */
  private async boundByStore(run: JobRun, store: Store): Promise<void> {
    for (const index of run.open()) {
      const partition = run.at(index);
      const { topic, partition: number, next, until } = partition;
      const stored = (await store.position({ topic, partition: number }))?.next ?? 0;
      if (stored >= until) continue;
      run.note(`${topic}-${number} is stored up to offset ${stored} only: from there on the consumer reads it.`);
      run.moved(index, { ...partition, until: Math.max(next, stored) });
    }
  }
}

function readBy(run: JobRun): number {
  return run.partitions.reduce((sum, { counts }) => sum + counts.read, 0);
}
