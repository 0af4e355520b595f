/**
 * The store's two doors: one writer's (rows, ledger, positions in one transaction) and one readers' (see reader.ts).
 * Every promise below is checked by testing/contracts/store.contract.ts.
 */

import type { DamagedRange, TopicPartition } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";
import type { RecordMark } from "../records/record-mark.ts";
import type { FleetStore } from "./fleet-port.ts";
import type { RedriveStore } from "./redrive-port.ts";
import type { ReplayStore } from "./replay-port.ts";
import type { RulesWork } from "./rules-port.ts";

/** How far a partition is stored. */
export interface Position {
  /** The offset of the next record to store. */
  readonly next: number;
  /** Undefined while nothing has been stored of this incarnation of the topic. */
  readonly before: RecordMark | undefined;
  /** 0, and one more each time the topic was found to be another one of the same name. */
  readonly generation: number;
  /** Kafka's id of the topic that was read; undefined until one is known. It never changes within a generation. */
  readonly topicId: string | undefined;
  /** Those of earlier generations. An id never comes back: a broker that names one of them is behind its cluster. */
  readonly formerTopicIds: readonly string[];
}

/** Offsets that were never read and are gone: an alert that stays. */
export interface Gap {
  readonly kind: "retention" | "recreated";
  readonly firstOffset: number;
  /** Inclusive; undefined when nobody can know. */
  readonly lastOffset: number | undefined;
}

/** A record that cannot be stored as what it claims to be. */
export interface DeadRecord extends RecordSlice {
  readonly reason: string;
}

/** One transaction's worth of one partition. */
export interface Append extends TopicPartition {
  /** The position that the writer believes in; undefined: it has found none. */
  readonly seen: Position | undefined;
  readonly next: number;
  /** The last record of this append; undefined when there is none, the old mark is then kept. */
  readonly before: RecordMark | undefined;
  readonly records: readonly RecordSlice[];
  readonly dead: readonly DeadRecord[];
  readonly damaged: readonly DamagedRange[];
  readonly gap: Gap | undefined;
  /** Refused records are kept as ranges of offsets alone: the first of this flood are kept with their bytes already. */
  readonly inFlood?: boolean;
  /** Kept with the position when it has none yet. Asked for before the records were read, or the append would vouch for too much. */
  readonly topicId?: string | undefined;
}

/** A topic that was made anew under its old name. */
export interface TopicMadeAnew extends TopicPartition {
  /** How far the old one was read. */
  readonly seen: Position;
  /** What was not read of the old one. */
  readonly gap: Gap;
  /** Where the new one is read from. */
  readonly next: number;
  readonly topicId: string | undefined;
}

/** Records that were put aside for one reason. */
export interface RefusedRecords {
  readonly reason: string;
  readonly records: number;
}

/** Whose books are forgotten: all lanes of an agent, or those that the other fields name. */
export interface LaneSelection {
  readonly agent: string;
  readonly epoch?: string | undefined;
  readonly stream?: string | undefined;
  readonly lane?: number | undefined;
}

/** What an append did, in records. */
export interface AppendResult {
  readonly position: Position;
  /** New events, the ones without an identity among them. */
  readonly stored: number;
  readonly withoutIdentity: number;
  readonly repeated: number;
  readonly conflicts: number;
  /** Records that markers say were shed by policy. */
  readonly shed: number;
  /** Of erased vehicles: accounted for, and not stored. */
  readonly suppressed: number;
  /** Put aside: refused, unreadable, or dead as told. */
  readonly deadLettered: number;
  /** Of these, what the rules refused, by reason. */
  readonly refusals: readonly RefusedRecords[];
  /** Of these, what was in batches that an agent signed, by the agent. */
  readonly refusedOf: ReadonlyMap<string, number>;
}

/** One transaction's worth of records that came by relay: no topic gave them offsets. */
export interface RelayAppend {
  /** Whatever offsets they have: the store gives them new ones (relayed.ts). */
  readonly records: readonly RecordSlice[];
  readonly dead: readonly DeadRecord[];
}

/** What it did. There is no position: nobody reads on from it. */
export type RelayResult = Omit<AppendResult, "position">;

/** What an operator may ask of the writer. */
export type StoreOperations = Pick<Store, "quarantine" | "forget">;

/** The writer's door. */
export interface Store {
  /** Rules over events; undefined: this kind of store cannot, or there are none. */
  readonly rules?: RulesWork | undefined;
  /** Alerts that fired and were resolved because there are no rules any more, in this process. */
  readonly alertsWithdrawn?: number;
  /** Heartbeats and presence; undefined: this store keeps none. */
  readonly fleet?: FleetStore;
  /**
   * The same text for the same store, whoever has opened it; undefined while nobody can know. Members of a consumer
   * group must have one store.
   */
  readonly id: string | undefined;
  /** Undefined: nothing of this partition was ever stored. */
  position(partition: TopicPartition): Promise<Position | undefined>;
  /**
   * Stores rows, ledger, last states and the position in one transaction, or nothing at all. A record whose identity is
   * in the ledger is not stored again: counted as repeated when its bytes are the same, kept apart as a conflict when not.
   * What the rules refuse is put aside in the same transaction and touches no lane (central/ledger/).
   *
   * @throws AppError `CENTRAL_STORE_FENCED` when the position is not the one seen: somebody else has moved it.
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE` when the store cannot take it now; the same append may work later.
   * @throws AppError `CENTRAL_RECORD_POISON` when one of the records can never be stored; the caller finds out which.
   */
  append(append: Append): Promise<AppendResult>;
  /**
   * Stores what came by relay, by the same rules and in the same books as `append`: one transaction, or nothing at all.
   * There is no position and no fence: what has come before is known by its identity. Any number of writers may call it
   * at once, and a lane's records may come by relay and from a topic at the same time. On return it outlives a power cut:
   * there is no topic to read it from again, and whoever sent it forgets it now.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`, `CENTRAL_RECORD_POISON` as `append`.
   */
  appendRelayed(append: RelayAppend): Promise<RelayResult>;
  /**
   * The topic is another one of the same name: a gap row for what was not read of the old one, and a new position at
   * `next` without a mark. The rows stay.
   *
   * @throws AppError as `append`.
   */
  startOver(topic: TopicMadeAnew): Promise<Position>;
  /**
   * From now on everything that names this agent is put aside, or no longer. Its books and events stay.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`.
   */
  quarantine(agent: string, on: boolean): Promise<void>;
  /**
   * Closes the books of the lanes: their numbers, sums and quota are as if nothing had come; the next record opens new
   * ones. Events, conflicts and dead letters stay, under the epoch's name with a mark. Returns how many lanes it were.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`.
   */
  forget(lanes: LaneSelection): Promise<number>;
  /** Resolves when the store takes writes; makes it when it is not there. @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
  probe(): Promise<void>;
  /**
   * Resolves when a transaction could begin now. Writes nothing and makes nothing, so that it can be asked for ever.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`.
   */
  ask(): Promise<void>;
  /** Replay and erasure, where the store can. */
  readonly replays?: ReplayStore;
  /** Dead letters tried again, where the store can. */
  readonly redrives?: RedriveStore;
  close(): Promise<void>;
}
