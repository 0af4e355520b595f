/** A body's records as they are appended: those that are here already are left out, what is no event is said. */
import { IDENTITY_HEADER, type Identity, parseIdentity } from "../../../shared/identity/identity.ts";
import { textOfBytes } from "../../../shared/kafka/record-batch/byte-text.ts";
import { decodeText } from "../../../shared/system/short-texts.ts";
import type { EventView } from "../../core/event-view.ts";
import type { Intake } from "../../core/source.ts";
import { originHeader } from "../../records/kafka-record.ts";
import type { Origins } from "../../records/origins.ts";
import type { Push } from "../../records/push-desk.ts";
import type { CameAgain } from "./carried-push.ts";
import { part, RecordCursor } from "./record-table.ts";
import { markOf, type RelayedBatch, type RelayedBody } from "./relayed-body.ts";

/** What the source knows beside the body. */
export interface RelayedPushOptions {
  /** A record's own header `origin` stays. */
  readonly keepOrigin: boolean;
  /** So many of the lane's numbers will not come. */
  readonly shed: (lane: string, marker: Identity, records: number) => void;
  readonly cameAgain: CameAgain;
}

/** What a record costs beside its bytes: its time, its number, its parts. */
const tableBytesPerRecord = 48;

export class RelayedPush implements Push {
  readonly bytes: number;
  readonly largestBytes: number;

  constructor(
    private readonly body: RelayedBody,
    private readonly options: RelayedPushOptions,
  ) {
    const tables = body.batches.map(({ table }) => table);
    this.bytes = tables.reduce((sum, { bytes, count }) => sum + bytes.length + count * tableBytesPerRecord, 0);
    this.largestBytes = Math.max(0, ...tables.map(({ largestBytes }) => largestBytes));
  }

  appendTo(intake: Intake, origins: Origins): void {
    const { lane, batches } = this.body;
    if (batches.length === 0) return;
    let [repeats, leftOut, replaced, again] = [0, 0, 0, 0];
    for (const batch of batches) {
      const { table, numbers, markers } = batch;
      const mark = markOf(batch);
      if (origins.numbersOf(lane).hasBatch(mark)) {
        repeats += table.count - markers.size;
        continue;
      }
      const here = origins.change(lane, intake);
      // Numbers that came, and the batch by which they came is known: this is another one.
      const isOther = here.hasAny(mark.first, mark.last) && here.knowsBatchesOf(mark.first);
      const isHere = (number: number, to = number) => !isOther && here.hasAny(number, to);
      const record = new RecordReader(batch, this.options.keepOrigin);
      const prepare = (view: EventView) => record.prepare(view);
      for (let index = 0; index < table.count; index++) {
        const number = numbers[index] ?? 0;
        const marker = markers.size === 0 ? undefined : markers.get(index);
        if (marker !== undefined) {
          if (!isHere(marker.first, marker.last)) this.options.shed(lane, marker, marker.last - marker.first + 1);
          continue;
        }
        if (isHere(number)) {
          repeats++;
          continue;
        }
        if (isOther) again++;
        record.turnTo(index);
        intake.appendWith(table.bytes, record.valueStart, record.valueEnd, prepare);
      }
      here.add(mark.first, mark.last, mark.crc);
      leftOut += record.leftOut;
      replaced += record.replaced;
    }
    if (again > 0) this.options.cameAgain(lane, again);
    if (repeats > 0) intake.count("repeats_left_out", repeats);
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
    if (replaced > 0) intake.count("origins_replaced", replaced);
  }
}

/** One record after the other, for an intake. */
class RecordReader {
  valueStart = 0;
  valueEnd = 0;
  leftOut = 0;
  replaced = 0;
  private index = 0;
  private readonly cursor: RecordCursor;

  constructor(
    private readonly batch: RelayedBatch,
    private readonly keepOrigin: boolean,
  ) {
    this.cursor = new RecordCursor(batch.table.bytes);
  }

  /** A record without a value is an empty event. */
  turnTo(index: number): void {
    const { parts } = this.batch.table;
    const slot = index * part.stride;
    this.index = index;
    this.valueStart = Math.max(0, parts[slot + part.valueStart] ?? 0);
    this.valueEnd = Math.max(0, parts[slot + part.valueEnd] ?? 0);
  }

  prepare(view: EventView): void {
    const { bytes, parts, timesMs } = this.batch.table;
    const slot = this.index * part.stride;
    const keyStart = parts[slot + part.keyStart] ?? -1;
    view.eventTimeMs = timesMs[this.index] ?? 0;
    if (keyStart >= 0) view.key = textIn(bytes, keyStart, parts[slot + part.keyEnd] ?? 0);
    // First, so that it always has a place.
    const identityEnd = parts[slot + part.identityEnd] ?? 0;
    view.setHeader(originHeader, decodeText(bytes, parts[slot + part.identityStart] ?? 0, identityEnd));
    const headers = parts[slot + part.headersCount] ?? 0;
    if (headers > 1) this.setHeaders(view, headers, parts[slot + part.headersStart] ?? 0);
  }

  private setHeaders(view: EventView, count: number, start: number): void {
    const { cursor } = this;
    const { bytes } = this.batch.table;
    cursor.position = start;
    for (let left = count; left > 0; left--) {
      const nameEnd = cursor.varint() + cursor.position;
      const name = decodeText(bytes, cursor.position, nameEnd);
      cursor.position = nameEnd;
      const valueEnd = Math.max(0, cursor.varint()) + cursor.position;
      const value = textIn(bytes, cursor.position, valueEnd);
      cursor.position = valueEnd;
      if (name === IDENTITY_HEADER) continue;
      if (name === originHeader && !(this.keepOrigin && parseIdentity(value) !== undefined)) this.replaced++;
      // Only the origin is there already; of the others a record may have several.
      else if (!(name === originHeader ? view.setHeader(name, value) : view.addHeader(name, value))) this.leftOut++;
    }
  }
}

/** As `decodeText`, and bytes that are no UTF-8 keep what they are. */
function textIn(bytes: Buffer, start: number, end: number): string {
  const text = decodeText(bytes, start, end);
  return text.includes("\uFFFD") ? textOfBytes(bytes.subarray(start, end)) : text;
}
