import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import { bookedReport } from "../../shared/telemetry/counting-report.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import type { Delivery, LaneDelivery } from "../core/sink.ts";
import { cutBatch } from "../core/split-batch.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { type RecordDestination, type SinkRecord, sinkRecords } from "./record-destination.ts";
import type { Turns } from "./turns.ts";

/** What a record sink says. */
export const signals = {
  maybeRepeated: defineSignal({
    name: "records_maybe_repeated",
    level: "warn",
    message: "Written again what the destination may have already: the write before had no answer",
    atMostEveryMs: 10_000,
    counts: { book: "maybe_repeated", by: "count" },
  }),
};

/** What all lanes of a sink share. */
export interface RecordTools {
  readonly destination: RecordDestination;
  readonly report: Report;
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly turns: Turns;
  readonly taken: Counter;
  readonly refused: Counter;
  readonly writes: Counter;
}

/** What became of the records of one batch, also when it was cut meanwhile: the parts are asked for here. */
interface Progress {
  readonly first: number;
  readonly end: number;
  readonly taken: Set<number>;
  /** By number: why. */
  readonly refused: Map<number, string>;
  /** Events of writes that failed without a word about them; what a later try finds out of one settles it. */
  readonly unsure: Set<number>;
}

/** Brings the batches of one lane to the destination; see record-sink.ts. */
export class RecordLane implements LaneDelivery {
  private progress: Progress | undefined;
  private readonly lane: LaneNotes["lane"];
  private readonly report: Report;

  constructor(
    notes: Pick<LaneNotes, "lane" | "count">,
    private readonly prefix: string,
    private readonly tools: RecordTools,
  ) {
    this.lane = notes.lane;
    this.report = bookedReport(tools.report, (name, amount) => notes.count(name, amount));
  }

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    // A marker stands for what policy shed: there is no event to write.
    if (batch.kind === "shed") return { kind: "delivered" };
    const progress = this.progressOf(batch);
    const what = `write ${batch.count} events of stream "${this.lane.stream}"`;
    if (settledCount(progress, batch) < batch.count) {
      await this.tools.turns.run(what, signal, () => this.writeRest(batch, progress, signal));
    }
    const reason = progress.refused.get(batch.first);
    if (reason !== undefined && isOneRefusal(progress, batch)) {
      return { kind: "refused", code: "EDGE_RECORD_REFUSED", reason };
    }
    const cuts = cutsOf(progress, batch);
    if (cuts.length === 0) return { kind: "delivered" };
    return { kind: "split", parts: cutBatch(batch, cuts) };
  }

  mayHave({ first, count }: StoredBatch): number {
    const known = this.progress;
    if (known === undefined) return 0;
    let found = 0;
    for (let seq = first; seq < first + count; seq++) if (known.taken.has(seq) || known.unsure.has(seq)) found++;
    return found;
  }

  /** What nobody knows of is written again by whoever comes next, who has never heard of it: so it is said here. */
  leave(batch: StoredBatch): number {
    const known = this.progress;
    if (known === undefined || batch.first < known.first || batch.first + batch.count > known.end) return 0;
    this.progress = undefined;
    let has = 0;
    while (has < batch.count && known.taken.has(batch.first + has)) has++;
    if (this.tools.destination.knowsRepeats === true) return has;
    let again = 0;
    for (let seq = batch.first + has; seq < batch.first + batch.count; seq++) {
      if (known.taken.has(seq) || known.unsure.has(seq)) again++;
    }
    if (again > 0) this.sayRepeats(batch.first + has, again);
    return has;
  }

  private progressOf({ first, count }: StoredBatch): Progress {
    const known = this.progress;
    if (known !== undefined && first >= known.first && first + count <= known.end) return known;
    this.progress = { first, end: first + count, taken: new Set(), refused: new Map(), unsure: new Set() };
    return this.progress;
  }

  private async writeRest(batch: StoredBatch, progress: Progress, signal: AbortSignal): Promise<void> {
    const { destination } = this.tools;
    const rest = sinkRecords(batch, this.lane.stream, this.prefix).filter(
      ({ seq }) => !progress.taken.has(seq) && !progress.refused.has(seq),
    );
    const groups =
      destination.group === undefined ? [rest] : Map.groupBy(rest, (each) => destination.group?.(each)).values();
    for (const group of groups) {
      for (const write of this.writesOf(group)) await this.write(write, progress, signal);
    }
  }

  /** A write that is refused as a whole is halved until it is known which event it is. */
  private async write(records: readonly SinkRecord[], progress: Progress, signal: AbortSignal): Promise<void> {
    const { destination, taken, refused, writes } = this.tools;
    const pending = [records];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (signal.aborted)
        throw new AppError("EDGE_DESTINATION_AWAY", `write ${next.length} events: stopped in the middle`);
      writes.add(1);
      try {
        const answers = (await destination.write(next, signal)) ?? [];
        const later = new Set(answers.filter(({ again }) => again === true).map(({ record }) => record.seq));
        const refusals = answers.filter(({ again }) => again !== true);
        for (const { record, reason } of refusals) progress.refused.set(record.seq, reason);
        refused.add(refusals.length);
        for (const { seq } of next) if (!progress.refused.has(seq) && !later.has(seq)) progress.taken.add(seq);
        taken.add(next.length - refusals.length - later.size);
        this.noteRepeats(next.filter(({ seq }) => progress.taken.has(seq) && progress.unsure.has(seq)));
        for (const { seq } of next) if (!later.has(seq)) progress.unsure.delete(seq);
        for (const { record, unsure } of answers) if (unsure === true) progress.unsure.add(record.seq);
        const first = answers.find(({ again }) => again === true);
        if (first === undefined) continue;
        // What is unsure of these was noted above, one by one.
        const message = `${later.size} of ${next.length} events not now: ${first.reason}`;
        throw new AppError("EDGE_DESTINATION_AWAY", message, { nothingSent: true });
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.severity !== "permanent") {
          const isSent = !(thrown instanceof AppError) || !thrown.nothingSent;
          if (isSent) for (const { seq } of next) progress.unsure.add(seq);
          throw thrown;
        }
        const [only] = next;
        if (next.length === 1 && only !== undefined) {
          progress.refused.set(only.seq, messageOf(thrown));
          refused.add(1);
          continue;
        }
        const half = next.length >> 1;
        pending.push(next.slice(half), next.slice(0, half));
      }
    }
  }

  private noteRepeats(again: readonly SinkRecord[]): void {
    const [first] = again;
    if (first === undefined || this.tools.destination.knowsRepeats === true) return;
    this.sayRepeats(first.seq, again.length);
  }

  private sayRepeats(first: number, count: number): void {
    const { stream, number } = this.lane;
    this.report(signals.maybeRepeated, { stream, lane: number, first, count });
  }

  private *writesOf(records: readonly SinkRecord[]): Generator<readonly SinkRecord[]> {
    const { recordsMax, bytesMax } = this.tools;
    let write: SinkRecord[] = [];
    let bytes = 0;
    for (const record of records) {
      if (write.length > 0 && (write.length >= recordsMax || bytes + record.body.length > bytesMax)) {
        yield write;
        write = [];
        bytes = 0;
      }
      write.push(record);
      bytes += record.body.length;
    }
    if (write.length > 0) yield write;
  }
}

function settledCount(progress: Progress, { first, count }: StoredBatch): number {
  let settled = 0;
  for (let seq = first; seq < first + count; seq++) {
    if (progress.taken.has(seq) || progress.refused.has(seq)) settled++;
  }
  return settled;
}

/** Every record of it was refused for the same reason. */
function isOneRefusal({ refused }: Progress, { first, count }: StoredBatch): boolean {
  const reason = refused.get(first);
  for (let seq = first; seq < first + count; seq++) if (refused.get(seq) !== reason) return false;
  return true;
}

/** Where what became of the records changes: from taken to refused, or from one reason to another. */
function cutsOf({ refused }: Progress, { first, count }: StoredBatch): readonly number[] {
  const cuts: number[] = [];
  for (let seq = first + 1; seq < first + count; seq++) {
    if (refused.get(seq) !== refused.get(seq - 1)) cuts.push(seq);
  }
  invariant(cuts.length > 0 || refused.get(first) === undefined, "a batch that is refused whole is not cut");
  return cuts;
}
