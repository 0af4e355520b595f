import type { Clock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { AdmissionRules } from "../ledger/admission.ts";
import type { EventFeed } from "./feed-port.ts";
import type { StoreReader } from "./reader.ts";
import type { RulesTools } from "./rules-port.ts";
import type { Store } from "./store.ts";

/** What a writer is made with. */
export interface StoreTools {
  readonly clock: Clock;
  readonly report: Report;
  /** Who may say what. */
  readonly rules: AdmissionRules;
  /** Rules over events; undefined: there are none. A kind that cannot do them has no `rules` in its writer. */
  readonly eventRules?: RulesTools | undefined;
  /** See `PlanOptions`. */
  readonly lateAfterMs?: number;
  /** How long an alert is kept that does not fire any more. */
  readonly alertRetentionMs?: number;
}

/** A kind of store: a folder of `central/store/` whose `kind.ts` gives one of these, and a line in `kinds.ts`. */
export interface StoreKind {
  /** What the config's `store` begins with (`scheme://…`); empty for the one that is named by a path. */
  readonly scheme: string;
  /** Its writers have `rules`: state and alerts are kept in it. */
  readonly keepsAlerts: boolean;
  /** Touches nothing. @throws AppError for what no waiting cures: it is said before anything is up. */
  check(address: string): Promise<void>;
  /** One for the process; it may be away. */
  writer(address: string, tools: StoreTools): Store;
  /** Opens nothing before the first question. */
  reader(address: string): StoreReader;
  /** The path of a note that goes with this store; a kind that is no file on this machine leaves it out. */
  notePath?(address: string, name: string): string;
  /** Follows what is stored; a kind that cannot leaves it out. Opens nothing before the first question. */
  feed?(address: string): EventFeed;
}
