/**
 * What sinks that are not Kafka stand on. Such a sink gives a destination (`RecordDestination`): a way to write events. All
 * the rest is done here, once for all of them:
 *
 * - Stored batches are decoded into events, only while a lane has its turn: memory holds as many decoded batches as may be
 *   written at once, however many lanes there are. Turns go round in the order the lanes came.
 * - Events are written in groups (a path, an index) and in writes that are not larger than the destination takes.
 * - What was written of a batch is remembered until the batch has ended: when the destination goes away in the middle, the
 *   next try goes on where this one stopped. After a crash the batch is written again from its beginning, so a destination
 *   should know a repeat by `SinkRecord.id` where it can.
 * - A write that is refused for ever is halved until the refused event is alone. The batch is then cut around it, so that
 *   it is buried alone, with its reason, and the others are not written twice.
 *
 * Trying again, with backoff, is the runner's: a destination throws and is called again.
 */
import { lanePrefix } from "../../shared/identity/identity.ts";
import { type DecodedHeader, decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Context } from "../core/context.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import { limits } from "../core/limits.ts";
import type { Finding, LaneDelivery, Sink } from "../core/sink.ts";
import { RecordLane } from "./record-lane.ts";
import { Turns } from "./turns.ts";

/** One event as a destination gets it. Its buffers are slices of the batch: copy what is to outlive the write. */
export interface SinkRecord {
  /** `agent/epoch/stream.lane/seq`: the same for the same event whenever it comes, and for no other. */
  readonly id: string;
  readonly stream: string;
  /** Its number in its lane. */
  readonly seq: number;
  readonly timeMs: number;
  readonly key: Buffer | undefined;
  readonly body: Buffer;
  readonly headers: readonly DecodedHeader[];
}

/** An event that the destination will never take, while it took the others of the same write. */
export interface Refusal {
  readonly record: SinkRecord;
  readonly reason: string;
}

/** Where a record sink writes to: the page of code that a new sink is. */
export interface RecordDestination {
  /** Returns quickly and does not need the other side: a vehicle starts offline. */
  start?(): Promise<void>;
  /** Events are written together only with those of the same group; without it, all of a batch. */
  group?(record: SinkRecord): string;
  /**
   * Writes events of one group, in their order. Resolves when the other side has all of them; with those it refused, when
   * it has said which.
   *
   * @throws AppError `transient`: not now, or nobody knows: the same events come again. `permanent`: it refuses this write;
   *   smaller ones are tried until it is known which event it is. `fatal`: the lane stops and health says so.
   */
  write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly Refusal[] | undefined>;
  stop?(): Promise<void>;
  /** Plain values for the status page. */
  status(): Readonly<Record<string, unknown>>;
  /** See `Sink.probe`. */
  probe?(signal: AbortSignal): Promise<readonly Finding[]>;
}

/** How the destination likes to be written to. */
export interface RecordSinkOptions {
  readonly destination: RecordDestination;
  /** Events of one write. */
  readonly recordsMax?: number;
  /** Bytes of one write's bodies; a larger event is written alone. */
  readonly bytesMax?: number;
  /** Lanes that are written at the same time. */
  readonly writersMax?: number;
}

/** What all lanes of a sink share. */
export interface RecordTools {
  readonly destination: RecordDestination;
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly turns: Turns;
  readonly taken: Counter;
  readonly refused: Counter;
  readonly writes: Counter;
}

/** A sink made of a destination. */
export class RecordSink implements Sink {
  /** Present where the destination has one. */
  readonly probe?: (signal: AbortSignal) => Promise<readonly Finding[]>;
  private readonly tools: RecordTools;

  constructor(
    private readonly context: Context,
    options: RecordSinkOptions,
  ) {
    const { destination, recordsMax = limits.batchRecordsMax, bytesMax = Number.POSITIVE_INFINITY } = options;
    const { writersMax = 4 } = options;
    const { metrics, name } = context;
    const counter = (what: string, help: string) =>
      metrics.counter(`tailgate_sink_${what}_total`, help, { sink: name });
    this.tools = {
      destination,
      recordsMax,
      bytesMax,
      turns: new Turns(writersMax),
      taken: counter("records", "Events that the destination has."),
      refused: counter("records_refused", "Events that the destination refused for ever."),
      writes: counter("writes", "Writes to the destination, those that failed included."),
    };
    const { probe } = destination;
    if (probe !== undefined) this.probe = (signal) => probe.call(destination, signal);
  }

  async start(): Promise<void> {
    await this.tools.destination.start?.();
  }

  lane({ lane }: Pick<LaneNotes, "lane">): LaneDelivery {
    const { agent } = this.context;
    const prefix = lanePrefix({ agent, epoch: lane.epoch, stream: lane.stream, lane: lane.number });
    return new RecordLane(lane, prefix, this.tools);
  }

  async stop(): Promise<void> {
    await this.tools.destination.stop?.();
  }

  status(): Readonly<Record<string, unknown>> {
    const { destination, taken, refused, writes, turns } = this.tools;
    const waiting = turns.waitingCount;
    return { ...destination.status(), events: taken.value, refused: refused.value, writes: writes.value, waiting };
  }
}

/** The events of a batch. @throws AppError `RECORD_BATCH_CORRUPT`. */
export function sinkRecords(
  batch: { readonly first: number; readonly bytes: Buffer },
  stream: string,
  prefix: string,
): readonly SinkRecord[] {
  const records: SinkRecord[] = [];
  for (const { offsetDelta, timeMs, key, value, headers } of decodeRecords(batch.bytes)) {
    const seq = batch.first + offsetDelta;
    records.push({ id: `${prefix}${seq}`, stream, seq, timeMs, key, body: value, headers });
  }
  return records;
}
