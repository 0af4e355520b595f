import { backlog } from "./backlog.ts";
import type { BenchCase } from "./case.ts";
import { centralIngest } from "./central.ts";
import { centralPostgres } from "./central-postgres.ts";
import { centralReads } from "./central-reads.ts";
import { centralRecovery } from "./central-recovery.ts";
import { cold } from "./cold.ts";
import { hop } from "./hop.ts";
import { idle } from "./idle.ts";
import { kill } from "./kill.ts";
import { lowRate } from "./low-rate.ts";
import { manyFiles } from "./many-files.ts";
import { oneCore } from "./one-core.ts";
import { day, outage } from "./outage.ts";
import { signing } from "./signing.ts";
import { slowFsync } from "./slow-fsync.ts";
import { soak } from "./soak.ts";
import { throughput } from "./throughput.ts";
import { wayCosts } from "./ways.ts";

/** Every case, in the order in which they run and stand on the pages. */
export const cases: readonly BenchCase[] = [
  throughput,
  cold,
  lowRate,
  slowFsync,
  idle,
  manyFiles,
  oneCore,
  signing,
  hop,
  outage,
  day,
  kill,
  backlog,
  soak,
  centralIngest,
  centralPostgres,
  wayCosts,
  centralRecovery,
  centralReads,
];
