import { lastMark } from "../records/record-slices.ts";
import type { Append, Position } from "../store/store.ts";
import { slicesOf, testRecord } from "./records.ts";

/** An append of records of one lane, at offsets from `from` up to before `to`, by a writer that saw `seen`. */
export function appendOf(from: number, to: number, seen: Position | undefined): Append {
  const records = slicesOf(Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index })));
  const common = { topic: "drive", partition: 0, dead: [], damaged: [], gap: undefined };
  return { ...common, seen, next: to, before: lastMark(records), records };
}
