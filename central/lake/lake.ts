/** The lake as the serving half has it: what its writer says, and what readers see. Loaded where a lake is configured. */
import type { Report } from "../../shared/telemetry/log.ts";
import type { LakeConfig } from "../config/lake.ts";
import type { CentralConfig } from "../config/schema.ts";
import { LakeCatalog } from "./catalog.ts";
import type { LakeSnapshot } from "./snapshot.ts";
import { LakeThread } from "./thread.ts";

/** What the routes are given. */
export interface Lake {
  readonly catalog: LakeCatalog;
  snapshot(): LakeSnapshot;
}

/** One that runs. */
export interface RunningLake extends Lake {
  stop(): Promise<void>;
}

/** Starts its writer. */
export function openLake(config: CentralConfig & { readonly lake: LakeConfig }, report: Report): RunningLake {
  const thread = new LakeThread(config, report);
  return {
    catalog: new LakeCatalog(config.lake),
    snapshot: () => thread.snapshot,
    stop: async () => await thread.stop(),
  };
}
