import { aborted } from "../../shared/async/aborted.ts";
import { AppError, endsProcess, messageOf } from "../../shared/errors/app-error.ts";
import { defineSignal, type Fields, type Signal } from "../../shared/telemetry/log.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import { limits } from "../core/limits.ts";
import type { Delivery, LaneDelivery } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { codes } from "./codes.ts";
import type { GroupMember, GroupTools } from "./group-tools.ts";
import { MemberNotes } from "./member-notes.ts";
import { markOf, Stretches } from "./stretches.ts";

/** What a group says. */
export const signals = {
  moved: defineSignal({
    name: "group_member_changed",
    level: "warn",
    message: "A lane goes to another member of its group",
    atMostEveryMs: 10_000,
    counts: {
      metric: "tailgate_group_switches_total",
      help: "Times a lane went from one member of the group to another.",
    },
  }),
  failed: defineSignal({
    name: "group_member_failed",
    level: "warn",
    message: "A member of a group did not deliver",
    atMostEveryMs: 10_000,
  }),
};

const waits = "it may have the batch, so the lane waits for it";
const waitsHint =
  "With `inDoubt: wait` a batch that a member may have goes to no other, so that no two destinations have it: bring that member back. With `inDoubt: repeat` another one would get it, and it is counted as maybe repeated.";

/** A member that failed is tried by one lane: the others look again after so long whether that worked. */
const triedByAnotherMs = 100;

/** One lane of a group: finds a member that delivers the batch, and keeps the books of who may have what. */
export class GroupLane implements LaneDelivery {
  private readonly stretches: Stretches;
  private readonly lanes = new Map<string, LaneDelivery>();
  /** Members whose lane cannot go on, with why. */
  private readonly ended = new Map<string, AppError>();
  private batchesOfTurn = 0;
  /** First number of the batch that is tried again. */
  private pending: number | undefined;
  /** What the process before may have sent without a durable acknowledgement. */
  private startBytesLeft: number = limits.unmarkedBytesMax + limits.batchBytesMax;
  /** Where this group came back to the lane as a member of another one. */
  private resumedAt = 0;

  constructor(
    private readonly notes: LaneNotes,
    private readonly tools: GroupTools,
  ) {
    const { context, members } = tools;
    this.stretches = new Stretches(notes, context.name, new Set(members.map(({ name }) => name)));
  }

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    // A member before this one has it, and its acknowledgement was lost in a crash.
    if (batch.first + batch.count <= this.stretches.settledBelow) return { kind: "delivered" };
    const errors: AppError[] = [];
    let candidates = this.candidates(batch);
    for (const [index, member] of candidates.entries()) {
      // Not in a list of those that may: between two tries another lane may have found out.
      if (!member.health.mayTry()) continue;
      const result = await this.tryMember(member, batch, signal);
      if (!(result instanceof AppError)) return result;
      errors.push(result);
      const isWaitedFor = this.waitsFor(member, batch);
      const next = isWaitedFor ? undefined : candidates.slice(index + 1).find(({ health }) => health.mayTry());
      const then = isWaitedFor ? waits : next === undefined ? "no other can be tried now" : `${next.name} is tried`;
      this.report(signals.failed, { member: member.name, then, error: messageOf(result), hint: result.hint });
      if (!isWaitedFor) continue;
      candidates = [member];
      break;
    }
    throw this.noneDelivered(batch, candidates, errors);
  }

  /** When the destination of any member is back. */
  async back(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const waits = this.tools.members.flatMap((member) => {
      const back = this.lanes.get(member.name)?.back?.bind(this.lanes.get(member.name));
      return back === undefined ? [] : [back(either).then(() => member)];
    });
    const first = await Promise.race([...waits, aborted(signal)]);
    over.abort();
    if (!signal.aborted) first?.health.pardon();
  }

  mayHave(batch: StoredBatch): number {
    return Math.min(batch.count, this.elsewhere(undefined, batch));
  }

  resumed(from: number): void {
    this.resumedAt = from;
    const { member } = this.stretches;
    if (member !== undefined) this.lanes.get(member)?.resumed?.(from);
  }

  status(): Readonly<Record<string, unknown>> {
    const { member } = this.stretches;
    const details = member === undefined ? undefined : this.lanes.get(member)?.status?.();
    return { ...details, member };
  }

  private get current(): GroupMember | undefined {
    return this.tools.members.find(({ name }) => name === this.stretches.member);
  }

  /**
   * Whom to try, in this order. One that may have the batch comes first, whatever the policy: to it, a repeat is one that
   * it knows. One that would come back behind a hole to a batch that it may have is left out, unless it knows repeats by
   * themselves: it would have the batch in a stretch that is over, and again in the next.
   */
  private candidates(batch: StoredBatch): readonly GroupMember[] {
    const { order, members, batchesPerTurn } = this.tools;
    const { current, stretches } = this;
    const takes = (each: GroupMember) =>
      each.sink.knowsRepeats === true || stretches.goesOn(each.name, batch) || this.mayBeAt(each, batch) === 0;
    const alive = members.filter((each) => !this.ended.has(each.name) && takes(each));
    if (current !== undefined && alive.includes(current)) {
      if (this.waitsFor(current, batch)) return [current];
      const isInTurn = this.pending === batch.first || (this.batchesOfTurn > 0 && this.batchesOfTurn < batchesPerTurn);
      if (this.mayBeAt(current, batch) > 0 || (batchesPerTurn > 0 && isInTurn)) {
        return [current, ...order(alive, current).filter((each) => each !== current)];
      }
    }
    this.batchesOfTurn = 0;
    return order(alive, current);
  }

  private waitsFor(member: GroupMember, batch: StoredBatch): boolean {
    return this.tools.inDoubt === "wait" && !this.ended.has(member.name) && this.mayBeAt(member, batch) > 0;
  }

  /** The error when it did not deliver and another may be tried. @throws what ends the delivery. */
  private async tryMember(member: GroupMember, batch: StoredBatch, signal: AbortSignal): Promise<Delivery | AppError> {
    const { health, name } = member;
    const sinceMs = health.trying();
    try {
      const lane = this.moveTo(member, batch);
      this.stretches.noteSent(name, batch.first + batch.count);
      const result = await lane.deliver(batch, signal);
      health.worked();
      return this.settled(member, batch, result);
    } catch (thrown) {
      if (signal.aborted || endsProcess(thrown)) {
        health.broughtNothing();
        throw thrown;
      }
      health.failed(sinceMs);
      const error =
        thrown instanceof AppError
          ? thrown
          : new AppError("EDGE_SINK_UNEXPECTED", "deliver a batch", { cause: thrown });
      if (error.severity === "fatal") this.ended.set(name, error);
      this.pending = batch.first;
      return error;
    }
  }

  /** The member's side of the lane, told and noted durably that the batch is its own from now on. */
  private moveTo(member: GroupMember, batch: StoredBatch): LaneDelivery {
    const { name } = member;
    const { current } = this;
    const before = this.stretches.member;
    const moves = before !== name;
    if (moves) {
      const mayHave = current === undefined ? 0 : this.mayBeAt(current, batch);
      if (before !== undefined && before === this.stretches.memberAtStart && this.isLeftBehind(batch)) {
        this.stretches.noteSent(before, this.leftBehindBelow(batch));
      }
      this.stretches.moveTo(name, batch, mayHave);
      if (before !== undefined) {
        this.report(signals.moved, { from: before, to: name, first: batch.first, maybeRepeated: mayHave });
      }
    }
    const known = this.lanes.get(name);
    const lane = known ?? member.sink.lane(new MemberNotes(this.notes, this.stretches, name));
    this.lanes.set(name, lane);
    const from = Math.max(this.stretches.since, this.resumedAt);
    if ((moves || known === undefined) && from > 0) lane.resumed?.(from);
    return lane;
  }

  private settled(member: GroupMember, batch: StoredBatch, result: Delivery): Delivery {
    if (result.kind !== "delivered") return result;
    const repeated = Math.min(batch.count, this.elsewhere(member, batch));
    if (repeated > 0) {
      this.notes.count("maybe_repeated", repeated);
      this.tools.mayRepeat.add(repeated);
    }
    this.pending = undefined;
    this.batchesOfTurn++;
    this.startBytesLeft -= batch.bytes.length;
    return result.mark === undefined
      ? { kind: "delivered" }
      : { kind: "delivered", mark: markOf(member.name, result.mark) };
  }

  /** How many events of the batch a member may have from a delivery that did not come to its end. */
  private mayBeAt({ name }: GroupMember, batch: StoredBatch): number {
    if (batch.kind === "shed") return 0;
    if (this.stretches.memberAtStart === name && this.isLeftBehind(batch)) return batch.count;
    if (batch.first >= this.stretches.sentBelowOf(name)) return 0;
    const lane = this.lanes.get(name);
    return lane?.mayHave === undefined ? batch.count : lane.mayHave(batch);
  }

  private elsewhere(member: GroupMember | undefined, batch: StoredBatch): number {
    const others = this.tools.members.filter((each) => each !== member);
    const gone = this.stretches.memberAtStart;
    // Of a member that the config does not name any more nobody knows what it has.
    const isGone = gone !== undefined && !this.tools.members.some(({ name }) => name === gone);
    const left = isGone && batch.kind === "records" && this.isLeftBehind(batch) ? batch.count : 0;
    return others.reduce((sum, each) => sum + this.mayBeAt(each, batch), left);
  }

  /** Whether the process before may have sent it. */
  private isLeftBehind({ first }: StoredBatch): boolean {
    return first < this.notes.seqAtStart && this.startBytesLeft > 0;
  }

  /** The number behind the last batch that the process before may have sent without a durable acknowledgement. */
  private leftBehindBelow(batch: StoredBatch): number {
    let last = batch;
    for (let bytes = batch.bytes.length; bytes <= this.startBytesLeft; bytes += last.bytes.length) {
      const next = this.notes.next(last);
      if (next === undefined || !this.isLeftBehind(next)) break;
      last = next;
    }
    return last.first + last.count;
  }

  private noneDelivered(batch: StoredBatch, candidates: readonly GroupMember[], errors: readonly AppError[]): AppError {
    const { members, context } = this.tools;
    const alive = members.filter(({ name }) => !this.ended.has(name));
    const [fatal] = this.ended.values();
    if (alive.length === 0 && fatal !== undefined) return fatal;
    const [only] = errors;
    if (members.length === 1 && only !== undefined) return only;
    const [first] = candidates;
    const waitedFor = first !== undefined && this.waitsFor(first, batch) ? first : undefined;
    const resting = candidates.map(({ name }) => name).join(", ");
    const said = errors.map(messageOf).join("; ") || `${resting || "those that may be given it"} rest after a failure`;
    // Of those alone that may be given the batch: another one may be up, and the lane would ask in a circle until they are.
    const rests = candidates.map(({ health }) => (health.mayTry() ? 0 : Math.max(health.restLeftMs, triedByAnotherMs)));
    const waitMs = Math.min(...rests);
    const why = waitedFor === undefined ? "" : `; ${waitedFor.name}: ${waits}`;
    const message = `deliver batch ${batch.first} by group "${context.name}": ${said}${why}`;
    // Nobody rests: the runner has its own patience.
    return new AppError(codes.EDGE_GROUP_AWAY, message, {
      ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
      ...(waitedFor === undefined ? {} : { hint: waitsHint }),
    });
  }

  private report(signal: Signal, fields: Fields): void {
    const { context, report } = this.tools;
    const { stream, number } = this.notes.lane;
    report(signal, { component: context.name, stream, lane: number, ...fields });
  }
}
