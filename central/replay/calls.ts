/** What the serving half asks of the writing half about replays: plain values, since a thread lies between the two. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { DeadLetterChoice, ReplayDefinition, ReplayTurn } from "../store/replay-port.ts";
import type { RedriveResult } from "./redrive.ts";

/** A question. */
export type ReplayCall =
  | { readonly verb: "create"; readonly definition: ReplayDefinition; readonly by: string }
  | { readonly verb: "turn"; readonly id: number; readonly turn: ReplayTurn }
  | { readonly verb: "redrive"; readonly choice: DeadLetterChoice; readonly afterId: number }
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
  | { readonly verb: "redrive"; readonly result: RedriveResult }
  | { readonly verb: "erase"; readonly counts: ErasureCounts }
  | { readonly verb: "unsuppress"; readonly found: boolean };

/** What a key with the scope `operate` may ask. */
export interface ReplayOperations {
  create(definition: ReplayDefinition, by: string): Promise<number>;
  turn(id: number, turn: ReplayTurn): Promise<void>;
  redrive(choice: DeadLetterChoice, afterId: number): Promise<RedriveResult>;
  erase(vehicle: string, by: string): Promise<ErasureCounts>;
  /** False: it was not suppressed. */
  unsuppress(vehicle: string): Promise<boolean>;
}

/** The operations, by whatever carries a call to where it is answered. */
export function operationsBy(call: (call: ReplayCall) => Promise<ReplayAnswer>): ReplayOperations {
  const wrong = ({ verb }: ReplayAnswer) => new AppError("INVARIANT", `ask of replays: the answer is one to ${verb}`);
  return {
    create: async (definition, by) => {
      const answer = await call({ verb: "create", definition, by });
      if (answer.verb !== "create") throw wrong(answer);
      return answer.id;
    },
    turn: async (id, turn) => void (await call({ verb: "turn", id, turn })),
    redrive: async (choice, afterId) => {
      const answer = await call({ verb: "redrive", choice, afterId });
      if (answer.verb !== "redrive") throw wrong(answer);
      return answer.result;
    },
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

/** Answers a call where the operations are. */
export async function answerCall(call: ReplayCall, operations: ReplayOperations): Promise<ReplayAnswer> {
  switch (call.verb) {
    case "create":
      return { verb: "create", id: await operations.create(call.definition, call.by) };
    case "turn":
      await operations.turn(call.id, call.turn);
      return { verb: "turn" };
    case "redrive":
      return { verb: "redrive", result: await operations.redrive(call.choice, call.afterId) };
    case "erase":
      return { verb: "erase", counts: await operations.erase(call.vehicle, call.by) };
    case "unsuppress":
      return { verb: "unsuppress", found: await operations.unsuppress(call.vehicle) };
  }
}
