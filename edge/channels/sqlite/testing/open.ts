import { VirtualClock } from "../../../../shared/clock/clock.ts";
import { systemRandom } from "../../../../shared/random/random.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { Metrics } from "../../../../shared/telemetry/metrics.ts";
import type { TempDir } from "../../../../shared/testing/temp-dir.ts";
import type { StoredChannel } from "../../../core/channel-store.ts";
import { plainChoice } from "../../../testing/contracts/batches.ts";
import { type OpenOptions, openChannelStore } from "../open.ts";

/** A commit of nothing. */
export const nothing = { batches: [], positions: [], counters: [] };

/** Opens a store with one channel, `main`, a clock that stands still and no reserve. */
export function open(dir: TempDir, changes: Partial<OpenOptions> = {}, choice: Partial<StoredChannel> = {}) {
  return openChannelStore({
    dataDir: dir.path,
    agent: "agent",
    channels: new Map([["main", plainChoice(choice)]]),
    clock: new VirtualClock(),
    random: systemRandom,
    report: silent,
    metrics: new Metrics(),
    machineId: "machine",
    reserveBytes: 0,
    ...changes,
  });
}
