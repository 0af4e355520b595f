/**
 * What sinks stand on that write whole objects: many batches in one, each event once, by names alone.
 *
 * - A lane gathers batches until an object is full (`Roll`). They stay in the channel meanwhile: nothing is acknowledged before
 *   the object is there, so a crash costs nothing but the work.
 * - Which numbers stand in it is noted durably before it is begun (`PlanBook`), and its name holds them
 *   (`…driving.0.000000000000000-000000000004711…`). Whatever fails, the same numbers are written under the same name
 *   again, and take the place of what may be there. So every event stands in the store once.
 * - Events of one stretch may belong to several objects (a folder a day, a header in the name). They are written side by side,
 *   so many at a time; for more the batches are read once more.
 * - In memory is one batch, and what the writers of the open objects hold.
 *
 * The names depend on the config. Whoever changes the pattern while an object is half done finds its events under the old
 * name and under the new one.
 */
import { lanePrefix } from "../../../shared/identity/identity.ts";
import type { Context } from "../../core/context.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Finding, LaneDelivery, Sink } from "../../core/sink.ts";
import { Turns } from "../turns.ts";
import { ObjectLane } from "./object-lane.ts";
import type { ObjectSinkOptions, ObjectTools } from "./object-tools.ts";

/** A sink made of a destination for objects. */
export class ObjectSink implements Sink {
  /** Present where the destination has one. */
  readonly probe?: (signal: AbortSignal) => Promise<readonly Finding[]>;
  private readonly tools: ObjectTools;
  private readonly lanes: ObjectLane[] = [];

  constructor(context: Context, options: ObjectSinkOptions) {
    const { metrics, name } = context;
    const counter = (what: string, help: string) =>
      metrics.counter(`tailgate_sink_${what}_total`, help, { sink: name });
    this.tools = {
      ...options,
      context,
      turns: new Turns(options.writersMax ?? 2),
      written: counter("objects", "Objects that the destination has whole."),
      records: counter("records", "Events that the destination has."),
    };
    const { destination } = options;
    const { probe } = destination;
    if (probe !== undefined) this.probe = (signal) => probe.call(destination, signal);
  }

  async start(): Promise<void> {
    await this.tools.destination.start?.();
  }

  lane(notes: LaneNotes): LaneDelivery {
    const { agent } = this.tools.context;
    const { epoch, stream, number } = notes.lane;
    const lane = new ObjectLane(notes, lanePrefix({ agent, epoch, stream, lane: number }), this.tools);
    this.lanes.push(lane);
    return lane;
  }

  async stop(): Promise<void> {
    await this.tools.destination.stop?.();
  }

  status(): Readonly<Record<string, unknown>> {
    const { destination, written, records } = this.tools;
    const gathered = this.lanes.reduce((sum, lane) => sum + lane.gathered, 0);
    return { ...destination.status(), objects: written.value, events: records.value, gathered };
  }
}
