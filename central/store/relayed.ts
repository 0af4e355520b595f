import { relayLine } from "../records/partition.ts";
import type { RecordSlice } from "../records/record-block.ts";
import type { Append, Position, RelayAppend } from "./store.ts";

/**
 * The same as an append to the relay's own line, whose next offsets it takes. For stores: between reading `seen` and
 * writing this append nobody else may write the line (the same transaction, with the line's row locked).
 */
export function relayedAppend({ records, dead }: RelayAppend, seen: Position | undefined): Append {
  let next = seen?.next ?? 0;
  const numbered = <S extends RecordSlice>(slice: S): S => {
    const { block, from, to } = slice;
    const offsets = new Float64Array(block.count);
    for (let index = from; index < to; index++) offsets[index] = next++;
    return { ...slice, block: { ...block, offsets } };
  };
  const placed = { records: records.map(numbered), dead: dead.map(numbered) };
  return { ...relayLine, seen, ...placed, next, before: undefined, damaged: [], gap: undefined };
}
