/** Does the lane's steps that look at the log, and notes what an answer means for what is in doubt and for suspicion. */
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivering } from "./attempt.ts";
import type { Look } from "./decide.ts";
import type { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { type Found, lookUp, type Question } from "./look-up.ts";
import { orAbort } from "./or-abort.ts";
import type { Place } from "./place.ts";
import { untracedBelow } from "./recovery.ts";
import { endOf } from "./session.ts";
import type { Suspicion } from "./suspicion.ts";
import { signals } from "./telemetry.ts";

/** What of the log is read for which question. */
const reads = {
  leader: "mark",
  broken_off: "nothing",
  order: "nothing",
  age: "committed",
  arrived: "committed",
} as const satisfies Record<Look["why"], Question["read"]>;

/** What a lane's looks read and note. */
export interface LooksOptions {
  readonly notes: LaneNotes;
  readonly tools: LaneTools;
  readonly place: Place;
  readonly doubt: Doubt;
  readonly suspicion: Suspicion;
}

export class Looks {
  constructor(private readonly options: LooksOptions) {}

  /** Does the step. @throws AppError `KAFKA_UNREACHABLE`: not answered. */
  async take(step: Look, at: Delivering): Promise<Found> {
    const { notes, place, doubt, suspicion } = this.options;
    const { batch, target } = at;
    const found = await this.ask(at, reads[step.why]);
    if (step.why === "leader") {
      const lacking = found.kind === "log" && typeof found.leader !== "number" && found.leader !== "forgotten";
      if (!lacking) place.leaderSeen = target.leadership;
    } else if (step.why === "age") {
      const leaderHas = found.kind === "log" && typeof found.leader === "number" && found.leader >= batch.first;
      if (found.kind === "log" && !leaderHas) doubt.absent(target.node.nodeId);
      else if (found.kind === "unknown") {
        suspicion.raiseForAge(Math.min(doubt.below, untracedBelow(notes, batch)));
        place.store({ ...place.used(), suspectBelow: suspicion.below }, target.destination);
      }
    } else if (step.why === "arrived" && step.blind === "suspect" && found.kind === "unknown") {
      suspicion.raise(endOf(batch));
    }
    return found;
  }

  /** What the log has of the session from this batch on. */
  async ask({ batch, target, signal }: Delivering, read: Question["read"]): Promise<Found> {
    const { tools, place } = this.options;
    const { link, telemetry } = tools;
    const { topic, partition } = target.destination;
    telemetry.metrics.lookUps.add(1);
    const { mark } = place;
    const question = { session: place.used(), node: target.node, topic, partition, near: batch.first, mark, read };
    const found = await orAbort(lookUp(link, question), signal);
    const { kind } = found;
    const { committed, leader } = found.kind === "log" ? found : {};
    telemetry.report(signals.lookedUp, { topic, partition, first: batch.first, found: kind, committed, leader });
    return found;
  }
}
