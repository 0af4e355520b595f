/** What the serving half asks of the writing half about replays: plain values, since a thread lies between the two. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { DeadLetterChoice, RedriveCounts } from "../store/redrive-port.ts";
import type { ReplayDefinition, ReplayTurn } from "../store/replay-port.ts";
import { codes } from "./codes.ts";

/** A question. */
export type ReplayCall =
  | { readonly verb: "create"; readonly definition: ReplayDefinition; readonly by: string }
  | { readonly verb: "turn"; readonly id: number; readonly turn: ReplayTurn }
  | { readonly verb: "redrive"; readonly ids: readonly number[] }
  | { readonly verb: "beginRedrive"; readonly choice: DeadLetterChoice; readonly by: string }
  | { readonly verb: "cancelRedrive"; readonly id: number }
  | { readonly verb: "erase"; readonly vehicle: string; readonly by: string }
  | { readonly verb: "unsuppress"; readonly vehicle: string };

/** What is gone of a vehicle. */
export interface ErasureCounts {
  readonly events: number;
  readonly deadLetters: number;
  readonly conflicts: number;
}

/** Its answer. */
export type ReplayAnswer =
  | { readonly verb: "create"; readonly id: number }
  | { readonly verb: "turn" }
  | { readonly verb: "redrive"; readonly counts: RedriveCounts }
  | { readonly verb: "beginRedrive"; readonly id: number }
  | { readonly verb: "cancelRedrive" }
  | { readonly verb: "erase"; readonly counts: ErasureCounts }
  | { readonly verb: "unsuppress"; readonly found: boolean };

/** What a key with the scope `operate` may ask. */
export interface ReplayOperations {
  create(definition: ReplayDefinition, by: string): Promise<number>;
  turn(id: number, turn: ReplayTurn): Promise<void>;
  erase(vehicle: string, by: string): Promise<ErasureCounts>;
  /** False: it was not suppressed. */
  unsuppress(vehicle: string): Promise<boolean>;
}

/** The same about dead letters. */
export interface RedriveOperations {
  redrive(ids: readonly number[]): Promise<RedriveCounts>;
  beginRedrive(choice: DeadLetterChoice, by: string): Promise<number>;
  cancelRedrive(id: number): Promise<void>;
}

/** The operations, by whatever carries a call to where it is answered. */
export function operationsBy(call: (call: ReplayCall) => Promise<ReplayAnswer>): ReplayOperations & RedriveOperations {
  const wrong = ({ verb }: ReplayAnswer) => new AppError("INVARIANT", `ask of replays: the answer is one to ${verb}`);
  return {
    create: async (definition, by) => {
      const answer = await call({ verb: "create", definition, by });
      if (answer.verb !== "create") throw wrong(answer);
      return answer.id;
    },
    turn: async (id, turn) => void (await call({ verb: "turn", id, turn })),
    redrive: async (ids) => {
      const answer = await call({ verb: "redrive", ids });
      if (answer.verb !== "redrive") throw wrong(answer);
      return answer.counts;
    },
    beginRedrive: async (choice, by) => {
      const answer = await call({ verb: "beginRedrive", choice, by });
      if (answer.verb !== "beginRedrive") throw wrong(answer);
      return answer.id;
    },
    cancelRedrive: async (id) => void (await call({ verb: "cancelRedrive", id })),
    erase: async (vehicle, by) => {
      const answer = await call({ verb: "erase", vehicle, by });
      if (answer.verb !== "erase") throw wrong(answer);
      return answer.counts;
    },
    unsuppress: async (vehicle) => {
      const answer = await call({ verb: "unsuppress", vehicle });
      if (answer.verb !== "unsuppress") throw wrong(answer);
      return answer.found;
    },
  };
}

/** What a store can; undefined: this kind cannot. */
export interface OfferedOperations {
  readonly replays: ReplayOperations | undefined;
  readonly redrives: RedriveOperations | undefined;
}

/** Answers a call where the operations are. @throws AppError when the store has none of that kind. */
export async function answerCall(call: ReplayCall, offered: OfferedOperations): Promise<ReplayAnswer> {
  switch (call.verb) {
    case "create":
      return { verb: "create", id: await replaysOf(offered).create(call.definition, call.by) };
    case "turn":
      await replaysOf(offered).turn(call.id, call.turn);
      return { verb: "turn" };
    case "redrive":
      return { verb: "redrive", counts: await redrivesOf(offered).redrive(call.ids) };
    case "beginRedrive":
      return { verb: "beginRedrive", id: await redrivesOf(offered).beginRedrive(call.choice, call.by) };
    case "cancelRedrive":
      await redrivesOf(offered).cancelRedrive(call.id);
      return { verb: "cancelRedrive" };
    case "erase":
      return { verb: "erase", counts: await replaysOf(offered).erase(call.vehicle, call.by) };
    case "unsuppress":
      return { verb: "unsuppress", found: await replaysOf(offered).unsuppress(call.vehicle) };
  }
}

function replaysOf({ replays }: OfferedOperations): ReplayOperations {
  if (replays !== undefined) return replays;
  throw new AppError(codes.CENTRAL_REPLAY_UNSUPPORTED, "replay: this store has none, or there is no Kafka");
}

function redrivesOf({ redrives }: OfferedOperations): RedriveOperations {
  if (redrives !== undefined) return redrives;
  throw new AppError(codes.CENTRAL_REDRIVE_UNSUPPORTED, "redrive: this kind of store does not have it");
}
