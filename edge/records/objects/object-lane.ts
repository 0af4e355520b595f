import { sleep } from "../../../shared/async/sleep.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivery, LaneDelivery } from "../../core/sink.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { type SinkRecord, sinkRecords } from "../record-destination.ts";
import type { ObjectWriter, Roll } from "./object-destination.ts";
import type { ObjectEncoder } from "./object-format.ts";
import { type ObjectPlan, PlanBook } from "./object-plan.ts";
import type { ObjectTools } from "./object-tools.ts";

/** How often it is looked whether more has come for an object that is not full. */
const lookEveryMs = 100;

interface OpenObject {
  readonly encoder: ObjectEncoder;
  readonly writer: ObjectWriter;
  records: number;
}

/** Gathers the batches of one lane into objects; see object-sink.ts. */
export class ObjectLane implements LaneDelivery {
  /** Events of the object that is being gathered or written. */
  gathered = 0;
  private readonly book: PlanBook;
  private plan: ObjectPlan | undefined;
  /** Everything before is in its objects. */
  private writtenBelow = 0;

  constructor(
    private readonly notes: LaneNotes,
    private readonly prefix: string,
    private readonly tools: ObjectTools,
  ) {
    this.book = new PlanBook(notes, tools.context.name);
    this.plan = this.book.last();
    // A plan is made when everything before it is written, also where nothing of that was acknowledged durably.
    this.writtenBelow = this.plan?.first ?? 0;
  }

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    if (endOf(batch) <= this.writtenBelow) return { kind: "delivered" };
    const plan = await this.planOf(batch, signal);
    // A part of it is acknowledged already, which comes only after all of it was written.
    if (plan.first < batch.first) this.writtenBelow = plan.end;
    else await this.writeAll(batch, plan, signal);
    return { kind: "delivered" };
  }

  mayHave(batch: StoredBatch): number {
    const { plan } = this;
    return plan !== undefined && batch.first >= plan.first && batch.first < plan.end ? batch.count : 0;
  }

  /** A plan from before was not carried out to its end, or is no longer this sink's to carry out: nothing of it counts. */
  resumed(from: number): void {
    if (this.plan !== undefined && this.plan.first < from) this.plan = undefined;
  }

  status(): Readonly<Record<string, unknown>> {
    return { gathered: this.gathered };
  }

  private async planOf(batch: StoredBatch, signal: AbortSignal): Promise<ObjectPlan> {
    const known = this.plan;
    if (known !== undefined && known.first <= batch.first && endOf(batch) <= known.end) return known;
    const plan = { first: batch.first, end: await this.gather(batch, signal) };
    this.book.save(plan);
    this.plan = plan;
    return plan;
  }

  /** Waits until an object is full. Answers the number behind its last event. */
  private async gather(batch: StoredBatch, signal: AbortSignal): Promise<number> {
    const { clock } = this.tools.context;
    const { roll } = this.tools;
    const size = { bytes: bodyBytes(batch, roll), records: eventsIn(batch) };
    const sinceMs = clock.uptimeMs();
    let changedMs = sinceMs;
    let last = batch;
    for (;;) {
      this.gathered = size.records;
      if (isFull(size, roll)) return endOf(last);
      const next = this.notes.next(last);
      if (next !== undefined) {
        const bytes = bodyBytes(next, roll);
        // An object is not larger than it should be, but for a batch that is larger by itself.
        if (roll.bytes > 0 && size.bytes > 0 && size.bytes + bytes > roll.bytes) return endOf(last);
        this.notes.lease(next);
        size.bytes += bytes;
        size.records += eventsIn(next);
        changedMs = clock.uptimeMs();
        last = next;
        continue;
      }
      const nowMs = clock.uptimeMs();
      const leftMs = Math.min(leftOf(roll.intervalMs, nowMs - sinceMs), leftOf(roll.idleMs, nowMs - changedMs));
      if (leftMs <= 0) return endOf(last);
      if (signal.aborted) throw stopped(`gather events of stream "${this.notes.lane.stream}" for an object`);
      await sleep(Math.min(lookEveryMs, leftMs), signal);
    }
  }

  private async writeAll(batch: StoredBatch, plan: ObjectPlan, signal: AbortSignal): Promise<void> {
    const what = `write objects of stream "${this.notes.lane.stream}"`;
    await this.tools.turns.run(what, signal, async () => {
      const done = new Set<string>();
      // Each round writes as many objects as may be open at once; most often there is one.
      while (await this.writeRound(batch, plan, done, signal));
    });
    this.writtenBelow = plan.end;
    this.gathered = 0;
  }

  /** True: there are objects that had no place in this round. */
  private async writeRound(
    first: StoredBatch,
    plan: ObjectPlan,
    done: Set<string>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const open = new Map<string, OpenObject>();
    let more = false;
    try {
      for (
        let batch: StoredBatch | undefined = first;
        batch !== undefined && batch.first < plan.end;
        batch = this.notes.next(batch)
      ) {
        if (batch.kind === "shed") continue;
        for (const [prefix, records] of this.groupsOf(batch)) {
          if (done.has(prefix)) continue;
          const object = open.get(prefix) ?? (await this.begin(prefix, plan, open, signal));
          if (object === undefined) {
            more = true;
            continue;
          }
          object.records += records.length;
          await object.writer.write(object.encoder.records(records));
          if (signal.aborted) throw stopped("write an object");
        }
      }
      for (const [prefix, object] of open) {
        await this.finish(object);
        open.delete(prefix);
        done.add(prefix);
      }
    } finally {
      for (const { writer } of open.values()) await writer.discard();
    }
    return more;
  }

  /** Undefined: too many are open. */
  private async begin(
    prefix: string,
    plan: ObjectPlan,
    open: Map<string, OpenObject>,
    signal: AbortSignal,
  ): Promise<OpenObject | undefined> {
    const { destination, format, openMax } = this.tools;
    if (open.size >= openMax) return undefined;
    const name = `${prefix}${this.rangeOf(plan)}${format.extension}`;
    const object = { encoder: format.begin(name), writer: await destination.open(name, signal), records: 0 };
    open.set(prefix, object);
    return object;
  }

  private async finish({ encoder, writer, records }: OpenObject): Promise<void> {
    const end = encoder.end();
    if (end.length > 0) await writer.write(end);
    await writer.close();
    this.tools.written.add(1);
    this.tools.records.add(records);
  }

  private groupsOf(batch: StoredBatch): Map<string, SinkRecord[]> {
    const records = sinkRecords(batch, this.notes.lane.stream, this.prefix);
    return Map.groupBy(records, (record) => this.tools.prefixOf(record));
  }

  /** Unique for the numbers, and in their order. */
  private rangeOf({ first, end }: ObjectPlan): string {
    const { stream, number, epoch } = this.notes.lane;
    const digits = (seq: number) => String(seq).padStart(15, "0");
    return `${this.tools.context.agent}.${epoch}.${stream}.${number}.${digits(first)}-${digits(end - 1)}`;
  }
}

function leftOf(boundMs: number, passedMs: number): number {
  return boundMs > 0 ? boundMs - passedMs : Number.POSITIVE_INFINITY;
}

function endOf({ first, count }: StoredBatch): number {
  return first + count;
}

function eventsIn({ kind, count }: StoredBatch): number {
  return kind === "shed" ? 0 : count;
}

function isFull({ bytes, records }: { readonly bytes: number; readonly records: number }, roll: Roll): boolean {
  return (roll.bytes > 0 && bytes >= roll.bytes) || (roll.records > 0 && records >= roll.records);
}

/** Decoded only where somebody asks for the size. */
function bodyBytes(batch: StoredBatch, { bytes }: Roll): number {
  if (bytes === 0 || batch.kind === "shed") return 0;
  return sinkRecords(batch, "", "").reduce((sum, { body }) => sum + body.length + 1, 0);
}

function stopped(what: string): AppError {
  return new AppError("EDGE_DESTINATION_AWAY", `${what}: stopped`);
}
