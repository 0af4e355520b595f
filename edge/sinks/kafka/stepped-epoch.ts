/**
 * Whether a fence is somebody else's.
 *
 * A new session is the next epoch of the same producer, and no broker is asked for it: Apache's take that. Others refuse it with
 * the code that means "a newer epoch writes" (Tansu does). So a fence is somebody else's only where our epoch was taken
 * before, or where the broker names a newer one. Otherwise the broker does not take epochs that we step to, and
 * the cure is a producer id of the broker's: nothing was taken under the session, so nothing can be there twice.
 *
 * One case is left: an earlier send under the session was not answered. Then the log is read back first, and where we may
 * not read, the batch is suspect.
 */
import type { ProducerId } from "../../../shared/kafka/connection/link.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import type { Delivering } from "./attempt.ts";
import type { LaneTools } from "./lane-tools.ts";
import type { Found } from "./look-up.ts";
import type { Looks } from "./looks.ts";
import { markOf } from "./mark.ts";
import { underNewProducer } from "./open-session.ts";
import { orAbort } from "./or-abort.ts";
import type { Place } from "./place.ts";
import { endOf, type Session } from "./session.ts";
import type { Suspicion } from "./suspicion.ts";
import { reportRepeat, signals } from "./telemetry.ts";
import type { Verdict } from "./verdict.ts";

/** What a fence means. `refused_suspect`: an earlier send may have been taken after all, and nobody can tell. */
export type FenceMeaning = "foreign" | "refused" | "refused_suspect";

/** From what was found in the log. `from`: the batch's first number; `unsent`: nothing was sent under the session before. */
export function meaningOf(found: Found, from: number, unsent: boolean): FenceMeaning {
  if (found.kind === "fenced") return "foreign";
  if (unsent) return "refused";
  if (found.kind === "unknown") return "refused_suspect";
  const { committed, leader } = found;
  // It was taken, and now it is not any more.
  if (committed !== undefined || (typeof leader === "number" && leader >= from)) return "foreign";
  return "refused";
}

/** What a lane's stepped epoch is tried with. */
export interface SteppedEpochOptions {
  readonly notes: LaneNotes;
  readonly tools: LaneTools;
  readonly place: Place;
  readonly suspicion: Suspicion;
  readonly looks: Looks;
}

/** A send and its answer. */
export interface Answered {
  readonly batch: StoredBatch;
  readonly verdict: Verdict;
  readonly unsent: boolean;
}

export class SteppedEpoch {
  /** The session that began here and under which nothing was sent yet. */
  private unsent: string | undefined;
  /** The last one under which something was taken. */
  private taken: string | undefined;

  constructor(private readonly options: SteppedEpochOptions) {}

  /** The session begins. */
  opened(session: Session): void {
    this.unsent = keyOf(session);
  }

  /** Something goes out under it. Answers whether it is the first. */
  sending(session: Session): boolean {
    const first = this.unsent === keyOf(session);
    this.unsent = undefined;
    return first;
  }

  took(session: Session): void {
    this.taken = keyOf(session);
  }

  /**
   * Whether the answer to a batch, which may be another than the one in delivery, was the broker's refusal of an epoch that we stepped
   * to. Then the session is another producer's now, durably, and the batch goes out again. `unsent`: nothing was sent under
   * the session before.
   */
  async isRefused({ batch, verdict, unsent }: Answered, at: Delivering): Promise<boolean> {
    const { notes, tools, place, suspicion, looks } = this.options;
    // 59: a log that knows nothing of the producer.
    if (verdict.kind !== "fenced" && verdict.kind !== "forgotten") return false;
    const { clusterId } = at.target.destination;
    const session = place.used();
    if (!session.stepped || this.taken === keyOf(session) || markOf(place.mark, session) !== undefined) return false;
    const found = await looks.ask({ ...at, batch }, unsent ? "nothing" : "committed");
    const meaning = meaningOf(found, batch.first, unsent);
    if (meaning === "foreign") return false;
    if (meaning === "refused_suspect" && batch.first === at.batch.first) suspicion.raise(endOf(batch));
    else if (meaning === "refused_suspect") {
      reportRepeat(tools.telemetry.report, notes.lane, batch.first, batch.count);
    }
    await this.renew(session, at);
    if (tools.stepless.add(clusterId)) tools.telemetry.report(signals.epochRefused, { ...at.target.destination });
    return true;
  }

  /** The session goes on under a producer that the broker knows, from this number on. Durable on return. */
  async renew({ first }: Pick<Session, "first">, { target, signal }: Delivering): Promise<void> {
    const { tools, place, suspicion } = this.options;
    const renewed = await orAbort(underNewProducer(tools.link, target, { ...place.used(), first }), signal);
    place.store({ ...renewed, suspectBelow: suspicion.below }, target.destination);
  }
}

function keyOf({ producerId, producerEpoch }: ProducerId): string {
  return `${producerId}.${producerEpoch}`;
}
