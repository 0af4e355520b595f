/** Fills a store without Kafka: for measuring reads on more rows than anybody wants to send through a broker first. */

import { unchecked } from "../../../central/records/batch-sender.ts";
import { part, type RecordBlock } from "../../../central/records/record-block.ts";
import { lastMark } from "../../../central/records/record-slices.ts";
import { SqliteStore } from "../../../central/store/sqlite/store.ts";
import type { Position } from "../../../central/store/store.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { line, vehicleName } from "./produce.ts";

/** What is put into the store. */
export interface FillOptions {
  readonly path: string;
  readonly rows: number;
  readonly vehicles: number;
  /** Event time of the first; one event a vehicle and second from there. */
  readonly startMs: number;
}

const rowsPerAppend = 25_000;

/** Agent `fill`, stream `drive`, one lane, topic `fill`. */
export async function fillStore({ path, rows, vehicles, startMs }: FillOptions): Promise<void> {
  const store = new SqliteStore({ path, clock: systemClock, report: silent });
  let seen: Position | undefined;
  for (let first = 0; first < rows; first += rowsPerAppend) {
    const count = Math.min(rowsPerAppend, rows - first);
    const records = [{ block: blockOfRows(first, count, vehicles, startMs), from: 0, to: count }];
    const next = first + count;
    const nothing = { dead: [], damaged: [], gap: undefined };
    const append = { topic: "fill", partition: 0, seen, next, before: lastMark(records), records, ...nothing };
    seen = (await store.append(append)).position;
  }
  await store.close();
}

function blockOfRows(first: number, count: number, vehicles: number, startMs: number): RecordBlock {
  const bytes = Buffer.allocUnsafe(count * 320);
  const parts = new Int32Array(count * part.stride);
  const offsets = new Float64Array(count);
  const timesMs = new Float64Array(count);
  let at = 0;
  for (let index = 0; index < count; index++) {
    const number = first + index;
    const vehicle = number % vehicles;
    const timeMs = startMs + Math.floor(number / vehicles) * 1_000;
    const texts = [vehicleName(vehicle), line(vehicle, number, timeMs), `fill/e1/drive.0/${number}@${timeMs}`];
    texts.forEach((text, slot) => {
      parts[index * part.stride + slot * 2] = at;
      at += bytes.write(text, at, "latin1");
      parts[index * part.stride + slot * 2 + 1] = at;
    });
    offsets[index] = number;
    timesMs[index] = timeMs;
  }
  return { bytes: bytes.subarray(0, at), count, offsets, timesMs, parts, sender: unchecked };
}
