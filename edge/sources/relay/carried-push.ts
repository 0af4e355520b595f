/**
 * A body's batches as they go on: the same bytes, under the numbers that their sender gave the records. So whoever knows records by
 * their identity knows them again, whichever way they came, and nothing is decoded, numbered or compressed a second time.
 */
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { decodeText } from "../../../shared/system/short-texts.ts";
import type { CarriedBatch, Intake } from "../../core/source.ts";
import { cutLoose } from "../../core/split-batch.ts";
import type { Origins } from "../../records/origins.ts";
import type { Push } from "../../records/push-desk.ts";
import { part, type RecordTable } from "./record-table.ts";
import type { RelayedBatch, RelayedBody } from "./relayed-body.ts";

/** A batch, and up to which number each of its records reaches. */
interface Ranged {
  readonly batch: CarriedBatch;
  readonly first: number;
  readonly lasts: Float64Array;
}

export class CarriedPush implements Push {
  readonly bytes: number;
  readonly largestBytes: number;
  private readonly lane: string;
  private readonly ranged: readonly Ranged[];

  /** What was read of the body is not kept. */
  constructor(body: RelayedBody) {
    const { lane, batches } = body;
    this.lane = lane;
    this.ranged = batches.map((batch) => ranged(body, batch));
    this.bytes = this.ranged.reduce((sum, { batch, lasts }) => sum + batch.bytes.length + lasts.byteLength, 0);
    this.largestBytes = Math.max(0, ...batches.map(({ table }) => table.largestBytes));
  }

  appendTo(intake: Intake, origins: Origins): void {
    const { lane } = this;
    const before = origins.nextOf(lane);
    let next = before;
    let repeats = 0;
    for (const { batch, first, lasts } of this.ranged) {
      const last = lasts.at(-1) ?? -1;
      const known = first >= next ? 0 : lasts.findIndex((each) => each >= next);
      if (known < 0) {
        repeats += lasts.length;
        continue;
      }
      intake.carry(known === 0 ? batch : withoutBeginning(batch, known));
      repeats += known;
      next = last + 1;
    }
    if (next > before) origins.came(lane, next, intake);
    if (repeats > 0) intake.count("repeats_left_out", repeats);
  }
}

/** A part of a batch that came whole before: only a sender that cuts its batches anew brings one. */
function withoutBeginning(batch: CarriedBatch, records: number): CarriedBatch {
  const [, rest] = cutLoose({ ...batch, kind: "records", first: 0 }, [records]);
  if (rest?.carried === undefined) return batch;
  const { bytes, recordsCrc, count, timeMsMin, timeMsMax, carried } = rest;
  return { ...batch, bytes, recordsCrc, count, timeMsMin, timeMsMax, carried };
}

function ranged({ lane, agent, stream }: RelayedBody, { raw, table, numbers, markers }: RelayedBatch): Ranged {
  const { count, timesMs, maxTimestampMs } = table;
  const found = keyOf(table);
  const hasSeveralKeys = found === "several";
  const key = typeof found === "object" ? found.text : undefined;
  const lasts = markers.size === 0 ? numbers : numbers.map((number, index) => markers.get(index)?.last ?? number);
  const first = numbers[0] ?? 0;
  let timeMsMin = maxTimestampMs;
  for (const timeMs of timesMs) if (timeMs < timeMsMin) timeMsMin = timeMs;
  // The body lies in what its connection reads into, and is overwritten there.
  const bytes = Buffer.from(raw);
  const recordsCrc = crc32c(bytes, HEADER_BYTES);
  const carried = `${lane}/${first}-${lasts.at(-1) ?? first}`;
  const batch = {
    bytes,
    recordsCrc,
    count,
    timeMsMin,
    timeMsMax: maxTimestampMs,
    carried,
    agent,
    stream,
    key,
    hasSeveralKeys,
  };
  return { batch, first, lasts };
}

/** The key that all records have. */
function keyOf({ bytes, parts, count }: RecordTable): { readonly text: string } | "none" | "several" {
  const start = parts[part.keyStart] ?? -1;
  const end = parts[part.keyEnd] ?? -1;
  for (let slot = part.stride; slot < count * part.stride; slot += part.stride) {
    const otherStart = parts[slot + part.keyStart] ?? -1;
    const otherEnd = parts[slot + part.keyEnd] ?? -1;
    // By hand: for so few bytes a call into the runtime costs more than all the rest.
    if (start < 0 !== otherStart < 0 || end - start !== otherEnd - otherStart) return "several";
    for (let at = start, other = otherStart; at < end; at++, other++) if (bytes[at] !== bytes[other]) return "several";
  }
  return start < 0 ? "none" : { text: decodeText(bytes, start, end) };
}
