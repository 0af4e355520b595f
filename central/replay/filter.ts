/**
 * Which records a replay is about. Ranges by time are exact: each record's own time decides, not where in the topic it stands. A
 * late record lies far from its neighbours in time, and a bound that is turned into an offset would cut at the wrong ones.
 */
import { parseIdentity } from "../../shared/identity/identity.ts";
import { vehicleOf } from "../ledger/vehicle.ts";
import { part, type RecordBlock, type RecordSlice } from "../records/record-block.ts";
import type { ReplayDefinition } from "../store/replay-port.ts";

/** Offsets from inclusive, to exclusive. */
export interface OffsetSpan {
  readonly from: number;
  readonly to: number;
}

export class RecordFilter {
  private readonly fromMs: number;
  private readonly toMs: number;
  private readonly vehicle: string | undefined;
  private readonly stream: string | undefined;

  constructor({ from, to, vehicle, stream }: Pick<ReplayDefinition, "from" | "to" | "vehicle" | "stream">) {
    this.fromMs = from !== undefined && "timeMs" in from ? from.timeMs : Number.NEGATIVE_INFINITY;
    this.toMs = to !== undefined && "timeMs" in to ? to.timeMs : Number.POSITIVE_INFINITY;
    this.vehicle = vehicle;
    this.stream = stream;
  }

  /** The records of a block that it lets through, as runs; and how many lie in the span at all. */
  slices(block: RecordBlock, topic: string, { from, to }: OffsetSpan): { slices: RecordSlice[]; read: number } {
    const slices: RecordSlice[] = [];
    let read = 0;
    let begin = -1;
    for (let index = 0; index <= block.count; index++) {
      const offset = block.offsets[index] ?? Number.POSITIVE_INFINITY;
      const within = index < block.count && offset >= from && offset < to;
      if (within) read++;
      const wanted = within && this.wants(block, index, topic);
      if (wanted && begin < 0) begin = index;
      if (!wanted && begin >= 0) {
        slices.push({ block, from: begin, to: index });
        begin = -1;
      }
    }
    return { slices, read };
  }

  private wants(block: RecordBlock, index: number, topic: string): boolean {
    const timeMs = block.timesMs[index] ?? 0;
    if (timeMs < this.fromMs || timeMs >= this.toMs) return false;
    if (this.vehicle === undefined && this.stream === undefined) return true;
    const { vehicle, stream } = namesOf(block, index, topic);
    return (this.vehicle ?? vehicle) === vehicle && (this.stream ?? stream) === stream;
  }
}

/** Whose record it is, and of which stream: as the store names them. */
export function namesOf(block: RecordBlock, index: number, topic: string): { vehicle: string; stream: string } {
  const identity = text(block, index, part.identityStart);
  const keyStart = block.parts[index * part.stride + part.keyStart] ?? -1;
  const keyEnd = block.parts[index * part.stride + part.keyEnd] ?? -1;
  const key = keyStart < 0 ? undefined : block.bytes.subarray(keyStart, keyEnd);
  const claimed = identity === undefined ? undefined : parseIdentity(identity);
  return { vehicle: vehicleOf(key, identity), stream: claimed?.stream ?? topic };
}

function text(block: RecordBlock, index: number, startPart: number): string | undefined {
  const start = block.parts[index * part.stride + startPart] ?? -1;
  return start < 0 ? undefined : block.bytes.toString("utf8", start, block.parts[index * part.stride + startPart + 1]);
}
