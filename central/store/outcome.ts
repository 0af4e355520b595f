/** What an append comes to, the same for every store: what is put aside of it, the position after it, its counts. */
import { type DeadEntry, deadEntries } from "../ledger/dead.ts";
import { deadBudget } from "../ledger/limits.ts";
import type { Plan } from "../ledger/plan.ts";
import { type Refusal, Refusals } from "../ledger/refusals.ts";
import type { RecordSlice } from "../records/record-block.ts";
import { countRecords } from "../records/record-slices.ts";
import type { Append, AppendResult, DeadRecord, Position, RefusedRecords } from "./store.ts";

/** A row of what was put aside. */
export interface AsideRow {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly reason: string;
  readonly identity: string | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly recordTimeMs: number | null;
}

/** What could not be stored, as far as the budget of its partition goes, and the bytes that are kept of it. */
export function putAside(
  { records, dead, damaged, inFlood = false }: Pick<Append, "records" | "dead" | "damaged" | "inFlood">,
  refused: readonly Refusal[],
  bytesBefore: number,
): { readonly rows: readonly AsideRow[]; readonly bytes: number } {
  const rows: AsideRow[] = [];
  let bytes = 0;
  const left = () => deadBudget.bytesPerSource - bytesBefore - bytes;
  const keep = (some: readonly Refusal[], from: readonly RecordSlice[], bytesMax: number) => {
    const kept = deadEntries(some, from, bytesMax);
    for (const entry of kept.entries) rows.push(rowOf(entry));
    bytes += kept.bytes;
  };
  keep(refused, records, inFlood ? 0 : left());
  for (const one of dead) keep(refusalsOf(one), [one], left());
  for (const { firstOffset, lastOffset, reason, bytes: found } of damaged) {
    const fits = bytesBefore + bytes + found.length <= deadBudget.bytesPerSource;
    const value = fits ? found : Buffer.alloc(0);
    rows.push({ firstOffset, lastOffset, reason, identity: null, key: null, value, recordTimeMs: null });
    bytes += value.length;
  }
  return { rows, bytes };
}

/** What is put aside of records that are read again, and how many records that are: some of them lie there already. */
export function notYetAside(
  { records, dead, damaged }: Pick<Append, "records" | "dead" | "damaged">,
  refused: readonly Refusal[],
  /** Whether all from the first to the last offset lie there. `lastOffset` -1: it is one record. */
  isAside: (firstOffset: number, lastOffset: number) => boolean,
) {
  const fresh = new Refusals();
  for (const { offset, records: run, reason } of refused) {
    for (let each = offset; each < offset + run; each++) if (!isAside(each, each)) fresh.add(each, reason);
  }
  const aside = {
    records,
    dead: dead.filter(({ block, from }) => !isAside(block.offsets[from] ?? -1, -1)),
    damaged: damaged.filter(({ firstOffset, lastOffset }) => !isAside(firstOffset, lastOffset)),
  };
  const count = fresh.records + countRecords(aside.dead) + countDamaged(aside.damaged);
  return { aside, refused: fresh.ascending(), count };
}

/** What the writer is told when all of it is stored. */
export function outcomeOf(append: Append, plan: Plan): AppendResult {
  const { seen, next } = append;
  const { refused, ...counts } = plan.counts;
  const position = {
    next,
    before: append.before ?? seen?.before,
    generation: seen?.generation ?? 0,
    topicId: seen?.topicId ?? append.topicId,
    formerTopicIds: seen?.formerTopicIds ?? [],
  };
  const deadLettered = refused + countRecords(append.dead) + countDamaged(append.damaged);
  const refusedOf = refusedBySigner(append.records, plan.refused);
  return { position, ...counts, deadLettered, refusals: countReasons(plan.refused), refusedOf };
}

/** The ids of the topics before the one that is begun now. */
export function formerIds({ topicId, formerTopicIds }: Position): readonly string[] {
  return topicId === undefined ? formerTopicIds : [...new Set([...formerTopicIds, topicId])];
}

function rowOf({ firstOffset, lastOffset, reason, record }: DeadEntry): AsideRow {
  const { identity = null, key = null, value = null, timeMs = null } = record ?? {};
  return { firstOffset, lastOffset, reason, identity, key, value, recordTimeMs: timeMs };
}

function refusalsOf({ block, from, to, reason }: DeadRecord): readonly Refusal[] {
  const refusals = new Refusals();
  for (const offset of block.offsets.subarray(from, to)) refusals.add(offset, reason);
  return refusals.ascending();
}

function countDamaged(damaged: Append["damaged"]): number {
  return damaged.reduce((sum, { firstOffset, lastOffset }) => sum + lastOffset - firstOffset + 1, 0);
}

function countReasons(refused: readonly Refusal[]): readonly RefusedRecords[] {
  const counts = new Map<string, number>();
  for (const { reason, records } of refused) counts.set(reason, (counts.get(reason) ?? 0) + records);
  return [...counts].map(([reason, records]) => ({ reason, records }));
}

/** Both ascend by offset; a run of refused records may go over several batches. */
function refusedBySigner(records: readonly RecordSlice[], refused: readonly Refusal[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  let next = 0;
  for (const { block, from, to } of records) {
    const { sender, offsets } = block;
    const first = offsets[from] ?? 0;
    const last = offsets[to - 1] ?? -1;
    let count = 0;
    for (let run = refused[next]; run !== undefined && run.offset <= last; run = refused[++next]) {
      const end = run.offset + run.records - 1;
      count += Math.max(0, Math.min(end, last) - Math.max(run.offset, first) + 1);
      if (end > last) break;
    }
    if (count > 0 && sender.kind === "signed") counts.set(sender.agent, (counts.get(sender.agent) ?? 0) + count);
  }
  return counts;
}
