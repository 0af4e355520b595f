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
 * - What is written again after a write without an answer is counted as maybe repeated, unless the destination knows repeats.
 * - A write that is refused for ever is halved until the refused event is alone. The batch is then cut around it, so that
 *   it is buried alone, with its reason, and the others are not written twice.
 *
 * Trying again, with backoff, is the runner's: a destination throws and is called again.
 */
import { lanePrefix } from "../../shared/identity/identity.ts";
import type { Context } from "../core/context.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import { limits } from "../core/limits.ts";
import type { Finding, LaneDelivery, Sink } from "../core/sink.ts";
import type { RecordDestination } from "./record-destination.ts";
import { RecordLane, type RecordTools } from "./record-lane.ts";
import { Turns } from "./turns.ts";

export type { EventRefusal, RecordDestination, SinkRecord } from "./record-destination.ts";

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

/** A sink made of a destination. */
export class RecordSink implements Sink {
  /** Present where the destination has one. */
  readonly probe?: (signal: AbortSignal) => Promise<readonly Finding[]>;
  readonly knowsRepeats: boolean;
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
      report: context.report,
      recordsMax,
      bytesMax,
      turns: new Turns(writersMax),
      taken: counter("records", "Events that the destination has."),
      refused: counter("records_refused", "Events that the destination refused for ever."),
      writes: counter("writes", "Writes to the destination, those that failed included."),
    };
    this.knowsRepeats = destination.knowsRepeats === true;
    const { probe } = destination;
    if (probe !== undefined) this.probe = (signal) => probe.call(destination, signal);
  }

  async start(): Promise<void> {
    await this.tools.destination.start?.();
  }

  lane(notes: Pick<LaneNotes, "lane" | "count">): LaneDelivery {
    const { agent } = this.context;
    const { lane } = notes;
    const prefix = lanePrefix({ agent, epoch: lane.epoch, stream: lane.stream, lane: lane.number });
    return new RecordLane(notes, prefix, this.tools);
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
