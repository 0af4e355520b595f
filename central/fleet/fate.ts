import type { LaneBeat, MissedRange } from "./presence.ts";

/** A range of a lane's numbers, and what the ledger says of it. */
export interface LedgerRange {
  readonly first: number;
  readonly last: number;
  readonly kind: "received" | "shed" | "dead" | "missing" | "before-first";
  readonly reason: string | undefined;
}

/** What became of numbers that had to wait. `first`..`last` are their sum. */
export interface Fate {
  readonly came: number;
  readonly onTheWay: number;
  readonly inVehicle: number;
  readonly missing: number;
  readonly shed: { readonly first: number; readonly last: number; readonly reason: string }[];
}

/** `ranges`: what the ledger knows of them; `nextSeq`: nothing has come from there on. */
export function fateOf(
  { first, last }: MissedRange,
  ranges: readonly LedgerRange[],
  nextSeq: number,
  beat: LaneBeat | undefined,
): Fate {
  const fate = { came: 0, onTheWay: 0, inVehicle: 0, missing: 0, shed: [] as Fate["shed"] };
  for (const range of ranges) {
    const count = range.last - range.first + 1;
    if (range.kind === "received") fate.came += count;
    else if (range.kind === "shed" || range.kind === "dead") {
      fate.shed.push({ first: range.first, last: range.last, reason: range.reason ?? range.kind });
    } else fate.missing += count;
  }
  const from = Math.max(first, nextSeq);
  const unsentFrom = Math.min(last + 1, Math.max(from, beat?.unsentFrom ?? from));
  fate.onTheWay = Math.max(0, unsentFrom - from);
  fate.inVehicle = Math.max(0, last + 1 - Math.max(from, unsentFrom));
  return fate;
}
