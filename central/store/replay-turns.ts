/** What may be done with a replay, and how one begins: the same in every store. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { TopicPartition } from "../records/partition.ts";
import { codes } from "./codes.ts";
import type { ReplayState, ReplayTurn, ReplayWords } from "./replay-port.ts";

/** Before its runner has said anything. */
export const noWords: ReplayWords = {
  gone: [],
  notes: [],
  trouble: undefined,
  error: undefined,
  recordsPerSecond: 0,
};

const turns: Readonly<Record<ReplayTurn, { readonly from: readonly ReplayState[]; readonly to: ReplayState }>> = {
  pause: { from: ["running"], to: "paused" },
  resume: { from: ["paused"], to: "running" },
  cancel: { from: ["running", "paused"], to: "cancelled" },
};

/** Another runner has it, or none. */
export function notOwned(id: number): AppError {
  return new AppError("CENTRAL_STORE_FENCED", `go on with replay ${id}: another one has it`);
}

/** The store was put back to an earlier state since, or its topic was made anew. */
export function notThatFar({ topic, partition }: TopicPartition): AppError {
  const at = `${topic}-${partition}`;
  return new AppError("CENTRAL_STORE_FENCED", `put records of ${at} back: the store is not as far as they are`);
}

/** Where a turn leads. @throws AppError `CENTRAL_REPLAY_UNKNOWN` or `CENTRAL_REPLAY_STATE`. */
export function nextTurn(id: number, state: ReplayState | undefined, turn: ReplayTurn): ReplayState {
  if (state === undefined) throw new AppError(codes.CENTRAL_REPLAY_UNKNOWN, `${turn} replay ${id}: there is none`);
  const { from, to } = turns[turn];
  if (!from.includes(state)) throw new AppError(codes.CENTRAL_REPLAY_STATE, `${turn} replay ${id}: it is ${state}`);
  return to;
}
