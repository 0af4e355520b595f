import type { LaneRange } from "./reader.ts";

/** A ledger row. */
export interface LedgerRow {
  readonly first: number;
  readonly last: number;
  readonly kind: "received" | "shed" | "dead";
  readonly reason: string | null;
}

/** Which numbers of a lane were seen: from `beforeFirst` on, below `nextSeq`. */
export interface LaneSpan {
  readonly beforeFirst: number;
  readonly nextSeq: number;
}

/** The rows, before them what perhaps never was sent here, and between them what is missing, up to the highest number seen. */
export function laneRanges(
  rows: readonly LedgerRow[],
  fromSeq: number,
  { beforeFirst, nextSeq }: LaneSpan,
  limit: number,
): readonly LaneRange[] {
  const ranges: LaneRange[] = [];
  let next = fromSeq;
  for (const { first, last, kind, reason } of rows) {
    const kindBefore = first <= beforeFirst ? "before-first" : "missing";
    if (first > next) ranges.push({ first: next, last: first - 1, kind: kindBefore, reason: undefined });
    ranges.push({ first: Math.max(first, fromSeq), last, kind, reason: reason ?? undefined });
    next = last + 1;
  }
  const whole = rows.length < limit;
  if (whole && next < nextSeq) ranges.push({ first: next, last: nextSeq - 1, kind: "missing", reason: undefined });
  return ranges.slice(0, limit);
}
