/**
 * The worker's side of the writing half. A worker of its own, because a transaction of tens of thousands of events or
 * a fold holds a thread for up to half a second, and the API answers within milliseconds all the while. There is one,
 * it lives as long as the process, and the database file is all that the two halves share.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { codes } from "../../shared/errors/codes.ts";
import type { ErrorCode } from "../../shared/errors/error-code.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import { createLog } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { answerCall, type ReplayAnswer, type ReplayCall } from "../replay/calls.ts";
import type { LaneSelection } from "../store/store.ts";
import { type IngestService, startIngest } from "./service.ts";
import type { IngestSnapshot } from "./snapshot.ts";

/** What main asks of the store. */
export type Operation =
  | { readonly verb: "quarantine"; readonly agent: string; readonly on: boolean }
  | { readonly verb: "forget"; readonly lanes: LaneSelection };

/** Main → worker. */
export type IngestCommand =
  | { readonly type: "start"; readonly config: CentralConfig }
  | { readonly type: "operate"; readonly id: number; readonly operation: Operation }
  | { readonly type: "replay"; readonly id: number; readonly call: ReplayCall }
  | { readonly type: "relay"; readonly id: number; readonly key: string; readonly bytes: ArrayBuffer }
  | { readonly type: "stop" };

/** Worker → main. */
export type IngestNews =
  | { readonly type: "snapshot"; readonly snapshot: IngestSnapshot }
  | { readonly type: "operated"; readonly id: number; readonly lanes: number }
  | { readonly type: "answered"; readonly id: number; readonly answer: ReplayAnswer }
  | { readonly type: "relayed"; readonly id: number; readonly records: number }
  | { readonly type: "refused"; readonly id: number; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "stopped" }
  /** `code`: what it is when it is no bug of ours. */
  | { readonly type: "failed"; readonly message: string; readonly code?: ErrorCode | undefined };

declare const self: Worker;

const snapshotEveryMs = 500;
const starting = new AbortController();
let service: Promise<IngestService> | undefined;
let running: IngestService | undefined;
let snapshots: ReturnType<typeof setInterval> | undefined;

const tell = (news: IngestNews) => self.postMessage(news);
const fail = (thrown: unknown) =>
  tell({ type: "failed", message: messageOf(thrown), code: thrown instanceof AppError ? thrown.declared : undefined });

self.onmessage = ({ data }: MessageEvent<IngestCommand>) => {
  switch (data.type) {
    case "start":
      return void begin(data.config).catch(fail);
    case "operate":
      return void operate(data.id, data.operation);
    case "replay":
      return void replay(data.id, data.call);
    case "relay":
      return void relay(data.id, data.key, data.bytes);
    case "stop":
      return void end().catch(fail);
  }
};

async function begin(config: CentralConfig): Promise<void> {
  const { level, format } = config.log;
  const write = (line: string) => process.stderr.write(`${line}\n`);
  const report = createLog({ level, format, clock: systemClock, write });
  service = startIngest(config, report, fail, starting.signal);
  const started = await service.catch((thrown: unknown) => {
    if (starting.signal.aborted) return undefined; // told to stop before there was anything to stop
    throw thrown;
  });
  if (started === undefined) return;
  running = started;
  snapshots = setInterval(() => tell({ type: "snapshot", snapshot: started.snapshot() }), snapshotEveryMs);
}

async function operate(id: number, operation: Operation): Promise<void> {
  try {
    const { operations } = open("change the store");
    if (operation.verb === "forget")
      return tell({ type: "operated", id, lanes: await operations.forget(operation.lanes) });
    await operations.quarantine(operation.agent, operation.on);
    tell({ type: "operated", id, lanes: 0 });
  } catch (thrown) {
    refuse(id, thrown);
  }
}

async function replay(id: number, call: ReplayCall): Promise<void> {
  try {
    tell({ type: "answered", id, answer: await answerCall(call, open("replay")) });
  } catch (thrown) {
    refuse(id, thrown);
  }
}

async function relay(id: number, key: string, bytes: ArrayBuffer): Promise<void> {
  try {
    const taking = open("store what was relayed").relay;
    invariant(taking !== undefined, "nothing is relayed to a central that takes nothing by relay");
    tell({ type: "relayed", id, records: await taking.take({ key, bytes: Buffer.from(bytes) }) });
  } catch (thrown) {
    refuse(id, thrown);
  }
}

function open(doing: string): IngestService {
  if (running === undefined) throw new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: it is not open yet`);
  return running;
}

function refuse(id: number, thrown: unknown): void {
  const code = thrown instanceof AppError ? thrown.declared : codes.INVARIANT;
  tell({ type: "refused", id, code, message: messageOf(thrown) });
}

async function end(): Promise<void> {
  clearInterval(snapshots);
  starting.abort();
  const started = await service?.catch(() => undefined);
  await started?.stop();
  tell({ type: "stopped" });
}
