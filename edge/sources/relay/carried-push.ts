/**
 * A body's batches as they go on: the same bytes, under the numbers that their sender gave the records. So whoever knows records by
 * their identity knows them again, whichever way they came, and nothing is decoded, numbered or compressed a second time.
 */
import { decodeText } from "../../../shared/system/short-texts.ts";
import { carriedText } from "../../core/carried.ts";
import type { CarriedBatch, Intake } from "../../core/source.ts";
import type { BatchMark } from "../../records/lane-numbers.ts";
import type { Origins } from "../../records/origins.ts";
import type { Push } from "../../records/push-desk.ts";
import { part, type RecordTable } from "./record-table.ts";
import { markOf, type RelayedBatch, type RelayedBody } from "./relayed-body.ts";

/** A batch, and how it is known again. */
interface Ranged {
  readonly batch: CarriedBatch;
  readonly mark: BatchMark;
}

/** Numbers of a lane came in another batch before: so many records of it go on all the same. */
export type CameAgain = (lane: string, records: number) => void;

export class CarriedPush implements Push {
  readonly bytes: number;
  readonly largestBytes: number;
  private readonly lane: string;
  private readonly ranged: readonly Ranged[];

  /** What was read of the body is not kept. `via`: aggregators by which it came. */
  constructor(
    body: RelayedBody,
    via: readonly string[],
    private readonly cameAgain: CameAgain,
  ) {
    const { lane, batches } = body;
    this.lane = lane;
    this.ranged = batches.map((batch) => ranged(body, batch, via));
    this.bytes = this.ranged.reduce((sum, { batch }) => sum + batch.bytes.length, 0);
    this.largestBytes = Math.max(0, ...batches.map(({ table }) => table.largestBytes));
  }

  appendTo(intake: Intake, origins: Origins): void {
    const { lane } = this;
    let repeats = 0;
    let again = 0;
    for (const { batch, mark } of this.ranged) {
      const numbers = origins.numbersOf(lane);
      const isHere = numbers.hasAny(mark.first, mark.last);
      if (isHere && numbers.hasBatch(mark)) {
        repeats += batch.count;
        continue;
      }
      // Perhaps repeats, perhaps other events under the same numbers: who has all of them before it can tell, and says which.
      if (isHere) again += batch.count;
      origins.change(lane, intake).add(mark.first, mark.last, mark.crc);
      intake.carry(batch);
    }
    if (repeats > 0) intake.count("repeats_left_out", repeats);
    if (again > 0) this.cameAgain(lane, again);
  }
}

function ranged({ lane, agent, stream }: RelayedBody, batch: RelayedBatch, via: readonly string[]): Ranged {
  const { raw, table } = batch;
  const mark = markOf(batch);
  const { count, timesMs, maxTimestampMs } = table;
  const found = keyOf(table);
  const hasSeveralKeys = found === "several";
  const key = typeof found === "object" ? found.text : undefined;
  let timeMsMin = maxTimestampMs;
  for (const timeMs of timesMs) if (timeMs < timeMsMin) timeMsMin = timeMs;
  // The body lies in what its connection reads into, and is overwritten there.
  const bytes = Buffer.from(raw);
  const carried = carriedText(`${lane}/${mark.first}-${mark.last}`, via);
  const whole = {
    bytes,
    recordsCrc: mark.crc,
    count,
    timeMsMin,
    timeMsMax: maxTimestampMs,
    carried,
    agent,
    stream,
    key,
    hasSeveralKeys,
  };
  return { batch: whole, mark };
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
