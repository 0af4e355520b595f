import type { Counter } from "../../../shared/telemetry/metrics.ts";
import type { Context } from "../../core/context.ts";
import type { SinkRecord } from "../record-destination.ts";
import type { Turns } from "../turns.ts";
import type { ObjectDestination, Roll } from "./object-destination.ts";
import type { ObjectFormat } from "./object-format.ts";

/** How a sink of objects is made. */
export interface ObjectSinkOptions {
  readonly destination: ObjectDestination;
  readonly format: ObjectFormat;
  readonly roll: Roll;
  /** The name of an event's object up to the part that holds the numbers. */
  readonly prefixOf: (record: SinkRecord) => string;
  /** Objects that are open at the same time for one lane. */
  readonly openMax: number;
  /** Lanes that write at the same time. */
  readonly writersMax?: number;
}

/** What all lanes of a sink share. */
export interface ObjectTools extends ObjectSinkOptions {
  readonly context: Context;
  readonly turns: Turns;
  readonly written: Counter;
  readonly records: Counter;
}
