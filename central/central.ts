/** The whole service: the writing half in its worker, the serving half here. Started from what it leans on upwards. */

import { withDeadline } from "../shared/async/deadline.ts";
import { systemClock } from "../shared/clock/clock.ts";
import { AppError, messageOf } from "../shared/errors/app-error.ts";
import type { Report } from "../shared/telemetry/log.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { createApi } from "./app.ts";
import { codes } from "./codes.ts";
import { apiKeys, isOurHost } from "./config/access.ts";
import type { CentralConfig } from "./config/schema.ts";
import { ownDescriptors } from "./descriptors.ts";
import { noSnapshot } from "./ingest/snapshot.ts";
import { IngestThread } from "./ingest/thread.ts";
import { declareMetrics } from "./metrics.ts";
import { serve } from "./server.ts";
import { StatusService } from "./status/status.ts";
import { storeKindOf } from "./store/kinds.ts";
import { sampleFailed, started, stopped, stopping } from "./telemetry.ts";

/** The fetched records in hand, leaving the group, closing the store. */
const stopDeadlineMs = 9_000;

/** Runs until the signal aborts (a clean stop), or until something cannot go on. */
export async function runCentral(config: CentralConfig, report: Report, signal: AbortSignal): Promise<void> {
  const kind = storeKindOf(config.store);
  await kind.check(config.store);
  const clock = systemClock;
  const reader = kind.reader(config.store);
  const feed = kind.feed?.(config.store);
  const metrics = new Metrics();
  let thread: IngestThread | undefined;
  const snapshot = () => thread?.snapshot ?? noSnapshot;
  const status = new StatusService({ reader, clock, snapshot });
  declareMetrics(metrics, snapshot, () => status.latest);
  const running = (): IngestThread => {
    if (thread === undefined) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "change the store: it is not open yet");
    return thread;
  };
  const api = createApi({
    reader,
    feed,
    operations: {
      quarantine: async (agent, on) => await running().quarantine(agent, on),
      forget: async (lanes) => await running().forget(lanes),
    },
    status,
    clock,
    metrics,
    report,
    keys: apiKeys(config),
    requestsPerSecond: config.requestsPerSecond,
    isOurHost: isOurHost(config),
  });
  const server = serve(api, config.listen, { report, descriptors: ownDescriptors });
  thread = new IngestThread(config);
  const { failed } = thread;
  const sampling = setInterval(() => {
    status.sample().catch((thrown: unknown) => report(sampleFailed, { error: messageOf(thrown) }));
  }, 1_000);
  report(started, { url: server.url, store: config.store, group: config.group });
  try {
    await Promise.race([failed, whenAborted(signal)]);
    report(stopping);
    await endInTime(thread.stop(), stopDeadlineMs);
  } finally {
    clearInterval(sampling);
    await server.stop();
    feed?.rest();
    await reader.close();
  }
  report(stopped);
}

/**
 * Waits for the writing half to end.
 *
 * @throws AppError `CENTRAL_STOP_SLOW` when it takes longer. What is stored is stored; the rest is read again.
 */
export async function endInTime(ending: Promise<void>, deadlineMs: number): Promise<void> {
  const late = () =>
    new AppError(
      codes.CENTRAL_STOP_SLOW,
      `stop: the fetched records in hand were not stored within ${deadlineMs / 1_000} s`,
    );
  await withDeadline(ending, deadlineMs, late);
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
