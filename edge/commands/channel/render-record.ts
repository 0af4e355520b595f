import { type DecodedRecord, decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import type { InspectedBatch } from "../../channels/sqlite/inspect.ts";

/** A record as a person or a script reads it: one JSON object a line. */
export function renderRecord(
  batch: InspectedBatch,
  record: DecodedRecord,
  bodyBytesMax = Number.POSITIVE_INFINITY,
): string {
  const { offsetDelta, timeMs, key, value, headers } = record;
  const shown = value.subarray(0, Math.min(value.length, bodyBytesMax));
  return JSON.stringify({
    stream: batch.lane.stream,
    lane: batch.lane.number,
    epoch: batch.lane.epoch,
    seq: batch.first + offsetDelta,
    time: Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : timeMs,
    key: key?.toString("utf8"),
    headers: Object.fromEntries(headers.map((header) => [header.name, header.value.toString("utf8")])),
    body: shown.toString("utf8"),
    cut: shown.length < value.length || undefined,
  });
}

/** The records of a batch that is whole; a marker has none. */
export function* recordsOf(batch: InspectedBatch): Generator<DecodedRecord> {
  if (batch.kind === "records" && batch.problem === undefined) yield* decodeRecords(batch.bytes);
}

/** One sentence about what cannot be shown. */
export function renderProblem({ lane, first, count, problem }: InspectedBatch): string {
  return `${lane.stream}.${lane.number}: ${count} events from number ${first}: ${problem}\n`;
}
