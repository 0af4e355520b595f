/**
 * The worker's side of the writing half. A worker of its own, because a transaction of tens of thousands of events or
 * a fold holds a thread for up to half a second, and the API answers within milliseconds all the while. There is one,
 * it lives as long as the process, and the database file is all that the two halves share.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { createLog } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { type IngestService, startIngest } from "./service.ts";
import type { IngestSnapshot } from "./snapshot.ts";

/** Main → worker. */
export type IngestCommand = { readonly type: "start"; readonly config: CentralConfig } | { readonly type: "stop" };

/** Worker → main. */
export type IngestNews =
  | { readonly type: "snapshot"; readonly snapshot: IngestSnapshot }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly message: string };

declare const self: Worker;

const snapshotEveryMs = 500;
const starting = new AbortController();
let service: Promise<IngestService> | undefined;
let snapshots: ReturnType<typeof setInterval> | undefined;

const tell = (news: IngestNews) => self.postMessage(news);
const fail = (thrown: unknown) => tell({ type: "failed", message: messageOf(thrown) });

self.onmessage = ({ data }: MessageEvent<IngestCommand>) => {
  if (data.type === "start") begin(data.config).catch(fail);
  else end().catch(fail);
};

async function begin(config: CentralConfig): Promise<void> {
  const { level, format } = config.log;
  const write = (line: string) => process.stderr.write(`${line}\n`);
  const report = createLog({ level, format, clock: systemClock, write });
  service = startIngest(config, report, fail, starting.signal);
  const running = await service.catch((thrown: unknown) => {
    if (starting.signal.aborted) return undefined; // told to stop before there was anything to stop
    throw thrown;
  });
  if (running === undefined) return;
  snapshots = setInterval(() => tell({ type: "snapshot", snapshot: running.snapshot() }), snapshotEveryMs);
}

async function end(): Promise<void> {
  clearInterval(snapshots);
  starting.abort();
  const running = await service?.catch(() => undefined);
  await running?.stop();
  tell({ type: "stopped" });
}
