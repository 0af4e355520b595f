/** Main's side of the writing half: starts the worker, keeps its last snapshot, ends it. */
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { ErrorCode } from "../../shared/errors/error-code.ts";
import type { CentralConfig } from "../config/schema.ts";
import type { ReplayAnswer, ReplayCall } from "../replay/calls.ts";
import type { LaneSelection, StoreOperations } from "../store/store.ts";
import { type IngestSnapshot, noSnapshot } from "./snapshot.ts";
import type { IngestCommand, IngestNews, Operation } from "./worker.ts";

export class IngestThread implements StoreOperations {
  private latest: IngestSnapshot = noSnapshot;
  private latestUptimeMs = systemClock.uptimeMs();
  /** Rejects when the worker can not go on. */
  readonly failed: Promise<never>;
  private readonly worker: Worker;
  private readonly stopped: Promise<void>;
  private readonly asked = new Map<number, PromiseWithResolvers<number>>();
  private readonly calls = new Map<number, PromiseWithResolvers<ReplayAnswer>>();
  private lastId = 0;

  constructor(config: CentralConfig) {
    this.worker = new Worker(workerPath(), { name: "ingest" });
    const stopped = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<never>();
    this.stopped = stopped.promise;
    this.failed = failed.promise;
    this.failed.catch(() => {}); // awaited by main, and by nobody once it stops
    this.worker.onmessage = ({ data }: MessageEvent<IngestNews>) => {
      switch (data.type) {
        case "snapshot":
          this.latest = data.snapshot;
          this.latestUptimeMs = systemClock.uptimeMs();
          return;
        case "operated":
          return this.answered(data.id)?.resolve(data.lanes);
        case "relayed":
          return this.answered(data.id)?.resolve(data.records);
        case "answered":
          return this.called(data.id)?.resolve(data.answer);
        case "refused":
          return (this.answered(data.id) ?? this.called(data.id))?.reject(new AppError(data.code, data.message));
        case "stopped":
          return stopped.resolve();
        case "failed":
          return this.end(failed, data.message, data.code);
      }
    };
    this.worker.onerror = ({ message }) => this.end(failed, message);
    this.command({ type: "start", config });
  }

  /** What it said last, and how long ago. */
  get snapshot(): IngestSnapshot {
    return { ...this.latest, silentMs: systemClock.uptimeMs() - this.latestUptimeMs };
  }

  async quarantine(agent: string, on: boolean): Promise<void> {
    await this.operate({ verb: "quarantine", agent, on });
  }

  async forget(lanes: LaneSelection): Promise<number> {
    return await this.operate({ verb: "forget", lanes });
  }

  /**
   * Brings a body to the store; see `RelayIntake.take`. Its bytes are the writing half's from now on.
   *
   * @throws AppError as `RelayIntake.take`.
   */
  async relay(key: string, bytes: ArrayBuffer): Promise<number> {
    const { id, answer } = this.ask();
    this.worker.postMessage({ type: "relay", id, key, bytes } satisfies IngestCommand, [bytes]);
    return await answer;
  }

  /** Resolves when the group is left and the store closed; rejects when the worker has failed. */
  async stop(): Promise<void> {
    this.command({ type: "stop" });
    await Promise.race([this.stopped, this.failed]);
  }

  private async operate(operation: Operation): Promise<number> {
    const { id, answer } = this.ask();
    this.command({ type: "operate", id, operation });
    return await answer;
  }

  private ask(): { readonly id: number; readonly answer: Promise<number> } {
    const id = ++this.lastId;
    const asked = Promise.withResolvers<number>();
    this.asked.set(id, asked);
    return { id, answer: asked.promise };
  }

  /** Whoever waits for an answer gets none any more. */
  private end(failed: PromiseWithResolvers<never>, message: string, code?: ErrorCode): void {
    const error = new AppError(code ?? "INVARIANT", `ingest: ${message}`);
    failed.reject(error);
    for (const { reject } of this.asked.values()) reject(error);
    this.asked.clear();
  }

  async replay(call: ReplayCall): Promise<ReplayAnswer> {
    const id = ++this.lastId;
    const called = Promise.withResolvers<ReplayAnswer>();
    this.calls.set(id, called);
    this.command({ type: "replay", id, call });
    return await Promise.race([called.promise, this.failed]);
  }

  private called(id: number): PromiseWithResolvers<ReplayAnswer> | undefined {
    const called = this.calls.get(id);
    this.calls.delete(id);
    return called;
  }

  private answered(id: number): PromiseWithResolvers<number> | undefined {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    return asked;
  }

  private command(command: IngestCommand): void {
    this.worker.postMessage(command);
  }
}

/** Beside this file; in a compiled binary where the build puts its second program (`buildCentral`). */
function workerPath(): string | URL {
  const compiled = Bun.main.startsWith("/$bunfs/");
  return compiled ? "/$bunfs/root/ingest/worker.js" : new URL("./worker.ts", import.meta.url);
}
