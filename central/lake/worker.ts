/**
 * The worker's side of the lake. A worker of its own, because a commit holds its thread for a second or more, and neither the store
 * nor the API waits for it. It lives as long as the process; where no lake is configured there is none.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { createLog } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { type LakeService, startLake } from "./service.ts";
import type { LakeSnapshot } from "./snapshot.ts";

/** Main → worker. */
export type LakeCommand = { readonly type: "start"; readonly config: CentralConfig } | { readonly type: "stop" };

/** Worker → main. */
export type LakeNews =
  | { readonly type: "snapshot"; readonly snapshot: LakeSnapshot }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly message: string };

declare const self: Worker;

const snapshotEveryMs = 500;
let service: LakeService | undefined;
let snapshots: ReturnType<typeof setInterval> | undefined;

const tell = (news: LakeNews) => self.postMessage(news);

self.onmessage = ({ data }: MessageEvent<LakeCommand>) => {
  if (data.type === "start") begin(data.config);
  else void end();
};

function begin(config: CentralConfig): void {
  const { level, format } = config.log;
  const write = (line: string) => process.stderr.write(`${line}\n`);
  try {
    const started = startLake(config, createLog({ level, format, clock: systemClock, write }));
    service = started;
    snapshots = setInterval(() => tell({ type: "snapshot", snapshot: started.snapshot() }), snapshotEveryMs);
  } catch (thrown) {
    tell({ type: "failed", message: messageOf(thrown) });
  }
}

async function end(): Promise<void> {
  clearInterval(snapshots);
  await service?.stop();
  tell({ type: "stopped" });
}
