/** Main's side of the lake's writer: starts the worker, keeps its last snapshot, ends it. */
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { codes } from "./codes.ts";
import { type LakeSnapshot, noLake } from "./snapshot.ts";
import { lakeEnded } from "./telemetry.ts";
import type { LakeCommand, LakeNews } from "./worker.ts";

export class LakeThread {
  private latest: LakeSnapshot = noLake;
  private readonly worker: Worker;
  private readonly ended = Promise.withResolvers<void>();

  constructor(config: CentralConfig, report: Report) {
    this.worker = new Worker(workerPath(), { name: "lake" });
    const failed = (message: string) => {
      // The store does not depend on it: it goes on without a lake, and says so.
      const { code, hint } = new AppError(codes.CENTRAL_LAKE_BROKEN, message);
      this.latest = { ...this.latest, state: "waiting", trouble: message, code, hint };
      report(lakeEnded, { error: message, hint });
      this.ended.resolve();
    };
    this.worker.onmessage = ({ data }: MessageEvent<LakeNews>) => {
      if (data.type === "snapshot") this.latest = data.snapshot;
      else if (data.type === "stopped") this.ended.resolve();
      else failed(data.message);
    };
    this.worker.onerror = (event) => failed(messageOf(event.error ?? event.message));
    this.command({ type: "start", config });
  }

  /** What it said last. */
  get snapshot(): LakeSnapshot {
    return this.latest;
  }

  /** Resolves when a commit under way is over. */
  async stop(): Promise<void> {
    this.command({ type: "stop" });
    await this.ended.promise;
  }

  private command(command: LakeCommand): void {
    this.worker.postMessage(command);
  }
}

/** Beside this file; in a compiled binary where the build puts it (`buildCentral`). */
function workerPath(): string | URL {
  const compiled = Bun.main.startsWith("/$bunfs/");
  return compiled ? "/$bunfs/root/lake/worker.js" : new URL("./worker.ts", import.meta.url);
}
