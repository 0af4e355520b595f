import type { ConsumerState } from "../consumer/consumer.ts";
import type { ReplayCounters } from "../replay/service.ts";
import type { IngestCounters } from "./counters.ts";
import type { PartitionBehind } from "./earlier-store.ts";
import type { HeartbeatCounts } from "./heartbeats.ts";
import { noRulesSnapshot, type RulesSnapshot } from "./rules-snapshot.ts";
import type { SenderCounts } from "./sender-watch.ts";

/** What the writing half tells the serving half, twice a second. */
export interface IngestSnapshot {
  readonly consumer: ConsumerState;
  /** Of which an earlier store of the group held more. */
  readonly behind: readonly PartitionBehind[];
  readonly counters: Omit<IngestCounters, "count" | "book">;
  /** How long ago it said so. */
  readonly silentMs: number;
  readonly senders: SenderCounts;
  readonly rules: RulesSnapshot;
  readonly heartbeats: HeartbeatCounts;
  readonly replays: ReplayCounters;
}

/** Before any has come, or where none are read. */
export const noHeartbeats: HeartbeatCounts = { kept: 0, older: 0, refused: 0 };

/** Nothing is replayed. */
export const noReplays: ReplayCounters = { running: 0, read: 0 };

/** Before the first one has come. */
export const noSnapshot: IngestSnapshot = {
  consumer: {
    connected: false,
    partitions: [],
    others: [],
    missingTopics: [],
    groupRefused: false,
    rebalances: 0,
  },
  behind: [],
  counters: {
    stored: 0,
    withoutIdentity: 0,
    repeated: 0,
    conflicts: 0,
    shed: 0,
    deadLettered: 0,
    relayed: 0,
    transactions: 0,
    fenced: 0,
    storeFailures: 0,
    storeAvailable: false,
    storeAwayBecause: "",
    lastStoredUptimeMs: -1,
  },
  silentMs: 0,
  senders: { signed: 0, unsigned: 0, wronglySigned: 0 },
  rules: noRulesSnapshot,
  heartbeats: noHeartbeats,
  replays: noReplays,
};
