import type { Report } from "../../shared/telemetry/log.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Member, SinkContext } from "../core/context.ts";
import type { MemberHealth } from "./member-health.ts";

/** A member as its group works with it. */
export interface GroupMember extends Member {
  readonly health: MemberHealth;
}

/** In which order a lane tries the members for its next batch. `current`: the one that had the batch before, or the last one. */
export type Order = (members: readonly GroupMember[], current: GroupMember | undefined) => readonly GroupMember[];

/** What to do with a batch that the member which failed may have. */
export type InDoubt =
  /** Another member delivers it; counted as maybe repeated. */
  | "repeat"
  /** It waits for that member. */
  | "wait";

/** What a policy decides. */
export interface PolicyOptions {
  readonly order: Order;
  readonly inDoubt: InDoubt;
  /** How long a member rests at most that failed; 0: not at all. */
  readonly restMsMax: number;
  /** A lane stays with a member for so many batches; 0: the order is asked at each batch, also when it is tried again. */
  readonly batchesPerTurn: number;
}

/** What all lanes of a group share. */
export interface GroupTools extends PolicyOptions {
  readonly context: SinkContext;
  readonly members: readonly GroupMember[];
  readonly report: Report;
  readonly mayRepeat: Counter;
}
