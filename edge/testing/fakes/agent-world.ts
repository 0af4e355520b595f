import { Gate } from "../../../shared/async/gate.ts";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { Fields, Signal } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import memory from "../../channels/memory/index.ts";
import spillable from "../../channels/spillable/index.ts";
import sqlite from "../../channels/sqlite/index.ts";
import { openChannelStore } from "../../channels/sqlite/open.ts";
import type { SqliteStore } from "../../channels/sqlite/store.ts";
import type { AgentConfig, InterceptorConfig, SinkConfig, SourceConfig } from "../../config/agent-config.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import type { SinkContext } from "../../core/context.ts";
import type { ChannelMaker, SelectorContext } from "../../core/define.ts";
import type { EventView } from "../../core/event-view.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivery, Sink } from "../../core/sink.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { Agent } from "../../engine/agent.ts";
import { plainChoice } from "../contracts/batches.ts";

/** What a source reads: a file that is an array. The position in it is the number of lines before it. */
export class LineFile {
  readonly lines: string[] = [];
  readonly grew = new Gate();
  /** The source that reads it fails to start, with this. */
  refusal: Error | undefined;
  /** The source that reads it ends with this, once. */
  failure: Error | undefined;

  constructor(
    readonly name: string,
    private readonly world: AgentWorld,
  ) {}

  write(...lines: readonly string[]): void {
    this.lines.push(...lines);
    this.grew.open();
  }

  /** The component that reads it. */
  source(): Source {
    const { name, lines, grew, world } = this;
    let at = 0;
    return {
      start: async () => {
        world.journal.push(`start ${name}`);
        if (this.refusal !== undefined) throw this.refusal;
      },
      run: async (intake: Intake, signal: AbortSignal) => {
        world.journal.push(`run ${name}`);
        const place = { key: name, position: () => String(at) };
        at = Number(intake.positions().get(name) ?? 0);
        while (!signal.aborted) {
          const { failure } = this;
          this.failure = undefined;
          if (failure !== undefined) throw failure;
          await intake.ready(signal);
          if (signal.aborted) break;
          if (at === lines.length) {
            await grew.wait(signal);
            continue;
          }
          for (let left = 100; left > 0 && at < lines.length; left--) {
            const line = Buffer.from(lines[at++] ?? "");
            intake.append(line, 0, line.length);
          }
          intake.moved(place);
        }
      },
      stop: async () => {
        world.journal.push(`stop ${name}`);
      },
      status: () => ({ at }),
    };
  }
}

/** A destination that outlives agents, as Kafka does, and can be away, slow or picky. */
export class Destination {
  /** Everything it has, in the order it came; as a broker does, it knows a repeat by its numbers and keeps it once. */
  readonly lines: string[] = [];
  private readonly byIdentity = new Map<string, string>();
  away = false;
  /** It does not answer: neither yes nor no, until the sink is told to stop. */
  silent = false;
  /** It does not answer, and does not hear either that its sink is told to stop. */
  deaf = false;
  /** How often it was given a batch. */
  deliveries = 0;
  /** What each sink was handed of the lanes. */
  readonly notes: LaneNotes[] = [];
  /** Lanes of this epoch cannot go on: as Kafka's are that somebody else sends under, they get a new epoch for what comes. */
  fencedEpoch: string | undefined;
  refusal: Error | undefined;
  stopFailure: Error | undefined;
  /** Batches with such a line are refused for ever. */
  refuses: (line: string) => boolean = () => false;
  /** What the sink that stands before it was given. */
  context: SinkContext | undefined;

  constructor(
    readonly name: string,
    private readonly world: AgentWorld,
  ) {}

  sink(context: SinkContext): Sink {
    const { name, world } = this;
    this.context = context;
    return {
      start: async () => {
        world.journal.push(`start ${name}`);
        if (this.refusal !== undefined) throw this.refusal;
      },
      lane: (notes) => {
        this.notes.push(notes);
        return { deliver: (batch, signal) => this.deliver(batch, signal) };
      },
      stop: async () => {
        world.journal.push(`stop ${name}`);
        if (this.stopFailure !== undefined) throw this.stopFailure;
      },
      status: () => ({ away: this.away }),
    };
  }

  private async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    this.deliveries++;
    // As a request does: somebody else has a turn before it is answered.
    await new Promise(setImmediate);
    while (this.deaf) await Bun.sleep(5);
    if (this.silent) await new Gate().wait(signal);
    if (this.away || signal.aborted) throw new AppError("KAFKA_UNREACHABLE", "deliver in a test", { retryAfterMs: 5 });
    if (batch.lane.epoch === this.fencedEpoch) {
      this.context?.renewEpoch("fenced in a test");
      throw new AppError("KAFKA_SESSION_FENCED", "deliver in a test");
    }
    const records = batch.kind === "shed" ? [] : [...decodeRecords(batch.bytes)];
    const lines = records.map(({ value }) => value.toString());
    if (lines.some(this.refuses)) return { kind: "refused", code: "KAFKA_RECORD_REFUSED", reason: "not wanted" };
    for (const { value, headers } of records) {
      const header = headers.find(({ name }) => name === IDENTITY_HEADER)?.value.toString() ?? "";
      const identity = parseIdentity(header);
      if (identity === undefined) throw new Error(`a record without identity: ${header}`);
      this.keep(`${identity.epoch}/${identity.stream}.${identity.lane}/${identity.first}`, value.toString());
    }
    return { kind: "delivered" };
  }

  private keep(identity: string, line: string): void {
    const known = this.byIdentity.get(identity);
    if (known === line) return;
    if (known !== undefined) this.world.broken.push(`${identity} is "${known}" and also "${line}"`);
    this.byIdentity.set(identity, line);
    this.lines.push(line);
  }

  /** `epoch/stream.lane/seq` of each line. */
  get identities(): readonly string[] {
    return [...this.byIdentity.keys()];
  }
}

/** What may be different about the config of a test. */
export interface ConfigChanges extends Partial<AgentConfig> {
  /** For `in`, the source of the plain config. */
  readonly keep?: (line: string) => boolean;
}

/**
 * What agents of tests live in: a data directory with a real channel file, files to read, destinations that outlive
 * them, and a journal of who was started and stopped.
 */
export class AgentWorld implements Disposable {
  readonly dir = tempDir();
  readonly journal: string[] = [];
  readonly reports: { readonly signal: string; readonly fields: Fields }[] = [];
  /** What broke an assumption. */
  readonly broken: unknown[] = [];
  readonly file = new LineFile("in", this);
  readonly destination = new Destination("out", this);
  readonly clock = new VirtualClock();
  metrics = new Metrics();
  store: SqliteStore | undefined;

  [Symbol.dispose](): void {
    this.dir[Symbol.dispose]();
  }

  /** `in` → `main` → `out`, with a short linger. */
  config({ keep, ...changes }: ConfigChanges = {}): AgentConfig {
    return {
      agent: "gw-1",
      dataDir: this.dir.path,
      ownFiles: [],
      lingerMs: 1,
      stopTimeoutMs: 60_000,
      sources: new Map([["in", this.reads(this.file, ["main"], keep === undefined ? {} : { keep })]]),
      channels: new Map([["main", this.holds("sqlite")]]),
      sinks: new Map([["out", this.sends(this.destination, "main")]]),
      admin: undefined,
      tap: false,
      log: { level: "info", format: "text" },
      heartbeat: undefined,
      ...changes,
    };
  }

  /** A source of the config that reads this file. */
  reads(
    file: LineFile,
    channels: readonly string[],
    chain: {
      readonly keep?: (line: string) => boolean;
      readonly select?: (view: EventView) => readonly number[];
      /** Its own config: what differs here makes it another source. */
      readonly config?: Readonly<Record<string, unknown>>;
    } = {},
  ): SourceConfig {
    const { keep, select, config = {} } = chain;
    const filter = (test: (line: string) => boolean): InterceptorConfig => ({
      type: "regex_filter",
      name: "wanted",
      make: { config: { test: String(test) }, create: () => ({ intercept: (view) => test(view.text()) }) },
    });
    const everywhere = channels.map((_, index) => index);
    return {
      type: "tail",
      make: { config: { file: file.name, ...config }, create: () => file.source() },
      interceptors: keep === undefined ? [] : [filter(keep)],
      selectorType: "replicating",
      selector: {
        config: { select: String(select) },
        create: (_: SelectorContext) => ({ select: select ?? (() => everywhere) }),
      },
      channels,
    };
  }

  /** A sink of the config that drains this channel. */
  sends(destination: Destination, channel: string, config: Readonly<Record<string, unknown>> = {}): SinkConfig {
    const make = {
      config: { to: destination.name, ...config },
      create: (context: SinkContext) => destination.sink(context),
    };
    return { type: "kafka", make, layout: undefined, needsIdentity: false, channel, members: new Map() };
  }

  /** A channel of the config. */
  holds(type: "sqlite" | "memory", changes: Partial<StoredChannel> = {}): ChannelMaker {
    const stored = plainChoice(changes);
    const reading = (type === "sqlite" ? sqlite : memory).read({ compression: "none", full: stored.full });
    if (!reading.ok) throw new Error(`the channel's config is wrong: ${JSON.stringify(reading.issues)}`);
    const { settings, bytesMax, ttlMs } = stored;
    return { ...reading.value, settings, bytesMax, ttlMs, stored: type === "sqlite" ? stored : undefined };
  }

  /** Another one, that writes down what its memory has no room for. */
  spills(memoryCapacity: string): ChannelMaker {
    const reading = spillable.read({ memoryCapacity, overflowCapacity: "64MiB", freeDisk: "0B", compression: "none" });
    if (!reading.ok) throw new Error(`the channel's config is wrong: ${JSON.stringify(reading.issues)}`);
    return reading.value;
  }

  /** An agent that is not started yet. */
  agent(config: AgentConfig = this.config()): Agent {
    this.metrics = new Metrics();
    // No two start at the same moment: memory channels take their epoch from it.
    this.clock.advance(1_000);
    return new Agent({
      config,
      openStore: (options) => {
        this.journal.push("open the channels");
        const store = openChannelStore({ ...options, machineId: "machine", reserveBytes: 0 });
        const close = store.close.bind(store);
        store.close = () => {
          if (!store.journal.closed) this.journal.push("close the channels");
          close();
        };
        this.store = store;
        return store;
      },
      clock: this.clock,
      random: seededRandom(1),
      report: (signal: Signal, fields: Fields = {}) => void this.reports.push({ signal: signal.name, fields }),
      metrics: this.metrics,
      onInvariant: (error) => void this.broken.push(error),
    });
  }

  /** One that runs. */
  async started(config?: AgentConfig): Promise<Agent> {
    const agent = this.agent(config);
    await agent.start();
    return agent;
  }

  /** Ends an agent as kill -9 would: what only memory knows is gone. */
  async kill(agent: Agent): Promise<void> {
    this.destination.away = true;
    this.store?.abandon();
    // It cannot close what is gone; nobody is there to be told.
    await agent.stop().catch(() => undefined);
    this.destination.away = false;
    this.broken.length = 0;
  }
}

/** `<prefix> 0`, `<prefix> 1`, … */
export function numbered(prefix: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${from + index}`);
}
