import { Cursors } from "../cursor.ts";

/** Ids of the live feed: positions, in the form of cursors. A damaged one is known by its digest. */
export const feedIds = new Cursors("events-stream", [], isPosition);

function isPosition(values: readonly unknown[]): values is readonly number[] {
  return values.every(Number.isSafeInteger);
}
