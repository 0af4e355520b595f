/** What our own stores hold: read back when a disk has changed it, and written so that it can be read back. */

import { CopyEncoder } from "../../../central/store/postgres/events/copy.ts";
import { bytes, textOf } from "../../../central/store/postgres/values.ts";
import { ChunkPacker, unpackChunk } from "../../../central/store/sqlite/events/chunk-codec.ts";
import type { Random } from "../../../shared/random/random.ts";
import { mutateBytes, mutateText, oneOf, pick } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const packer = new ChunkPacker();
const events = [
  { time: 1_790_000_000_000, source: 1, offset: 5, lane: 1, seq: 3, value: Buffer.from("a line") },
  { time: 1_790_000_000_500, source: 1, offset: 6, lane: 0, seq: 0, value: null },
  { time: 1_790_000_000_501, source: 2, offset: 1, lane: 2, seq: 2 ** 47, value: Buffer.alloc(0) },
];
const raw = Buffer.from(Bun.zstdDecompressSync(packer.pack(events)));

/** Decompressed and changed, so that the numbers are reached. */
export const storedChunks: FuzzTarget = {
  name: "chunks of the SQLite store",
  try(random) {
    const changed = mutateBytes(random, [raw]);
    const body = Bun.zstdCompressSync(changed);
    const read = mayRefuse(() => unpackChunk(Buffer.from(body))) ?? [];
    const held = read.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
    if (read.length > changed.length || held > changed.length) throw new Error(`${read.length} events, ${held} bytes`);
  },
};

interface Field {
  readonly write: (to: CopyEncoder) => void;
  readonly expected: Buffer | null;
}

function int(size: 4 | 8, value: number | null): Field {
  const write = (to: CopyEncoder) => (size === 4 ? to.int4(value) : to.int8(value));
  if (value === null) return { write, expected: null };
  const expected = Buffer.alloc(size);
  if (size === 4) expected.writeInt32BE(value);
  else expected.writeBigInt64BE(BigInt(value));
  return { write, expected };
}

function field(random: Random): Field {
  const kind = pick(random, 4);
  if (kind === 0) return int(4, oneOf(random, [null, 0, -1, 2 ** 31 - 1, -(2 ** 31), pick(random, 1e9)]));
  if (kind === 1) {
    const number = oneOf(random, [2 ** 53 - 1, -(2 ** 53 - 1), -(2 ** 32), -1, 2 ** 32, pick(random, 2 ** 52)]);
    return int(8, oneOf(random, [null, number, number]));
  }
  // As a text from outside is stored: half a character is replaced, all else comes back as it was.
  const text = mutateText(random, ["car-1", "a\0b", "\ud83d\ude97"]);
  const value = kind === 2 ? null : bytes(text);
  if (value !== null && textOf(value) !== text.toWellFormed()) throw new Error(JSON.stringify(text.slice(0, 300)));
  return { write: (to) => to.bytea(value), expected: value };
}

/** What COPY is given says exactly the values, as PostgreSQL's manual has it. */
export const copiedRows: FuzzTarget = {
  name: "rows for PostgreSQL",
  try(random) {
    const rows = Array.from({ length: 1 + pick(random, 5) }, () =>
      Array.from({ length: 1 + pick(random, 6) }, () => field(random)),
    );
    const encoder = new CopyEncoder();
    for (const row of rows) {
      encoder.row(row.length);
      for (const { write } of row) write(encoder);
    }
    const written = Buffer.from(encoder.take());
    let at = 0;
    for (const row of rows) {
      if (written.readInt16BE(at) !== row.length) throw new Error(`a row of ${written.readInt16BE(at)} fields`);
      at += 2;
      for (const { expected } of row) {
        const length = written.readInt32BE(at);
        at += 4;
        if (expected === null ? length !== -1 : !written.subarray(at, at + length).equals(expected))
          throw new Error(`a field of ${length} bytes`);
        at += Math.max(0, length);
      }
    }
    if (at !== written.length) throw new Error(`${written.length - at} bytes more`);
  },
};
