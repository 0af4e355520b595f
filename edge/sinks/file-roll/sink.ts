import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivery, Finding, LaneDelivery, Sink } from "../../core/sink.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Config } from "./config.ts";
import { FileNamer } from "./file-name.ts";
import { LaneFiles } from "./files.ts";
import { type FilesMark, noMark, parseMark } from "./mark.ts";
import { Orphans } from "./orphans.ts";
import { probeDirectory } from "./probe.ts";
import { signals } from "./telemetry.ts";

const newline = Buffer.from("\n");
const publishEveryMsMax = 5_000;
const dayMs = 86_400_000;

/** Writes lanes to files; every few seconds it looks whether one is complete. */
export class FileRollSink implements Sink {
  private readonly lanes: FileLane[] = [];
  private readonly orphans: Orphans;
  private readonly report: Report;
  private orphansPublished = 0;
  private publishing: Promise<void> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { directory, publishAfter: settleMs } = config;
    this.orphans = new Orphans({ directory, agent: context.agent, sink: context.name, settleMs });
    const named: Report = (signal, fields) => context.report(signal, { component: context.name, ...fields });
    this.report = countingReport(signals, { report: named, metrics: context.metrics, labels: { sink: context.name } });
  }

  async start(): Promise<void> {
    const publishEveryMs = Math.min(publishEveryMsMax, this.config.publishAfter / 5);
    this.timer = setInterval(() => {
      this.publishing ??= this.publish().finally(() => {
        this.publishing = undefined;
      });
    }, publishEveryMs);
    this.timer.unref();
  }

  lane(notes: LaneNotes): LaneDelivery {
    const { config, context, report } = this;
    const lane = new FileLane({ config, context, report, onEntered: () => this.orphans.lookAgain() }, notes);
    this.lanes.push(lane);
    return lane;
  }

  /** What is in progress stays so: the next start goes on with it. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.publishing;
    await Promise.all(this.lanes.map((lane) => lane.idle));
  }

  async probe(): Promise<readonly Finding[]> {
    return [await probeDirectory(this.config.directory)];
  }

  status() {
    return {
      directory: this.config.directory,
      inProgress: this.lanes.flatMap(({ inProgress }) => inProgress),
      formerFolders: this.lanes.flatMap(({ formerFolders }) => formerFolders),
      published: this.lanes.reduce((sum, { published }) => sum + published, this.orphansPublished),
    };
  }

  /** Gives files that are complete their names. Called by the sink's own timer. */
  async publish(): Promise<void> {
    for (const lane of this.lanes) await lane.publish();
    const { report } = this;
    const { clock } = this.context;
    try {
      const owners = new Set(this.lanes.map(({ owner }) => owner));
      for (const file of await this.orphans.publishDue(owners, clock.uptimeMs())) {
        this.orphansPublished++;
        report(signals.published, { file });
      }
    } catch (thrown) {
      report(signals.publishFailed, { error: messageOf(thrown) });
    }
  }
}

interface FileLaneOptions {
  readonly config: Config;
  readonly context: Context;
  /** Names the sink, and counts. */
  readonly report: Report;
  readonly onEntered: () => void;
}

/** One lane: deliveries and publishing take turns. */
class FileLane implements LaneDelivery {
  published = 0;
  /** Resolves when nothing is being done. */
  idle: Promise<unknown> = Promise.resolve();
  /** Unique for the lane, fit for a file name. */
  readonly owner: string;
  private readonly files: LaneFiles;
  private readonly namer: FileNamer;
  private readonly wallNamer: FileNamer;

  constructor(
    private readonly options: FileLaneOptions,
    private readonly notes: LaneNotes,
  ) {
    const { config, context, report, onEntered } = options;
    const { lane } = notes;
    this.namer = new FileNamer(config.file, lane, context.agent);
    this.wallNamer = new FileNamer(config.file, lane, context.agent);
    this.owner = `${context.agent}.${lane.epoch}.${lane.stream}.${lane.number}.${lane.channel}.${context.name}`;
    this.files = new LaneFiles({
      directory: config.directory,
      owner: this.owner,
      rollBytes: config.rollBytes ?? Number.POSITIVE_INFINITY,
      rollIntervalMs: config.rollInterval ?? Number.POSITIVE_INFINITY,
      settleMs: config.publishAfter,
      onShort: (file, bytes, expected) => report(signals.short, { file, bytes, expected, missing: expected - bytes }),
      onUnknown: (file, bytes) => report(signals.unknown, { file, bytes }),
      onAway: (folder, files, bytes) => report(signals.away, { folder, files, bytes }),
      onEntered,
    });
  }

  get inProgress(): readonly string[] {
    return this.files.inProgress;
  }

  get formerFolders() {
    return this.files.formerFolders;
  }

  deliver(batch: StoredBatch): Promise<Delivery> {
    return this.inTurn(() => this.write(batch));
  }

  publish(): Promise<void> {
    return this.inTurn(async () => {
      const { report } = this.options;
      const { clock } = this.options.context;
      const say = (files: readonly string[]) => {
        this.published += files.length;
        for (const file of files) report(signals.published, { file });
      };
      try {
        await this.enter(clock.uptimeMs());
        say(await this.files.publishDue(clock.uptimeMs(), clock.now(), this.aheadMs(clock.now())));
        say(await this.files.publishFormer(clock.uptimeMs()));
      } catch (thrown) {
        report(signals.publishFailed, { error: messageOf(thrown) });
      }
    });
  }

  /** Lines of tomorrow may be early; a file for the time after that was named by a clock that was wrong. */
  private aheadMs(wallMs: number): number {
    return this.wallNamer.nameOf(wallMs + dayMs).untilMs ?? Number.POSITIVE_INFINITY;
  }

  private async enter(nowMs: number): Promise<void> {
    if (!this.files.isRemembered) this.files.remember(this.rememberedMark());
    await this.files.enter(nowMs);
  }

  private rememberedMark(): FilesMark | undefined {
    const { mark, seqAtStart, begins } = this.notes;
    if (mark !== undefined) return parseMark(mark);
    // No mark and nothing acknowledged is a new lane. Otherwise the mark was lost with a damaged channel file.
    const acknowledged = this.notes.next()?.first ?? seqAtStart;
    return acknowledged <= begins ? noMark : undefined;
  }

  private async write(batch: StoredBatch): Promise<Delivery> {
    const nowMs = this.options.context.clock.uptimeMs();
    try {
      await this.enter(nowMs);
      // A marker stands for what policy shed: there is no line to write.
      if (batch.kind === "records") await this.files.append(this.linesByFile(batch), nowMs);
      return { kind: "delivered", mark: this.files.mark };
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.severity === "permanent") {
        return { kind: "refused", code: thrown.declared, reason: messageOf(thrown) };
      }
      if (thrown instanceof AppError) throw thrown;
      const what = `write ${batch.count} lines of stream "${this.notes.lane.stream}" to files`;
      throw new AppError("EDGE_SINK_FILE", what, { cause: thrown });
    }
  }

  private linesByFile(batch: StoredBatch) {
    const byName = new Map<string, { untilMs: number | undefined; parts: Buffer[] }>();
    for (const { timeMs, value } of decodeRecords(batch.bytes)) {
      const { name, untilMs } = this.namer.nameOf(timeMs);
      let file = byName.get(name);
      if (file === undefined) {
        file = { untilMs, parts: [] };
        byName.set(name, file);
      }
      file.parts.push(value, newline);
    }
    return [...byName].map(([name, { untilMs, parts }]) => ({ name, untilMs, bytes: Buffer.concat(parts) }));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.idle.then(work);
    this.idle = done.catch(() => undefined);
    return done;
  }
}
