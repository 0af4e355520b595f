/**
 * A chunk's body: zstd of
 *
 *     version 1, count, then per event: time delta, source, offset delta, lane, seq delta, value length + 1 (0: null)
 *     then all values, one after the other
 *
 * Numbers are LEB128 varints; offset and seq deltas are zigzag, taken from the event before. Events are in the order
 * (time, source, offset), in which the API hands them out.
 */
import { AppError, messageOf } from "../../../../shared/errors/app-error.ts";
import { invariant } from "../../../../shared/errors/invariant.ts";
import { codes } from "../../codes.ts";

/** An event as it stands in `recent` and in chunks. */
export interface StoredEvent {
  readonly time: number;
  readonly source: number;
  readonly offset: number;
  /** 0: without identity. */
  readonly lane: number;
  readonly seq: number;
  readonly value: Buffer | null;
}

const version = 1;
const numbersBytesMax = 60;

/** Order of events everywhere: by time, and where that is equal by where they stood in the topic. */
export function compareEvents(a: EventKey, b: EventKey): number {
  return a.time - b.time || a.source - b.source || a.offset - b.offset;
}

/** What orders an event and names it: no two events share it. */
export interface EventKey {
  readonly time: number;
  readonly source: number;
  readonly offset: number;
}

/** Packs chunks one after the other into an arena of its own that grows with need. */
export class ChunkPacker {
  private numbers = Buffer.allocUnsafe(64 * 1024);
  private arena = Buffer.allocUnsafe(512 * 1024);
  private at = 0;

  /** Bytes to store. `events` are sorted. */
  pack(events: readonly StoredEvent[]): Uint8Array {
    let valueBytes = 0;
    for (const event of events) valueBytes += event.value?.length ?? 0;
    this.at = 0;
    const numbersMax = events.length * numbersBytesMax + 16;
    if (this.numbers.length < numbersMax) this.numbers = Buffer.allocUnsafe(numbersMax);
    this.varint(version);
    this.varint(events.length);
    let time = 0;
    let offset = 0;
    let seq = 0;
    for (const event of events) {
      this.zigzag(event.time - time);
      this.varint(event.source);
      this.zigzag(event.offset - offset);
      this.varint(event.lane);
      this.zigzag(event.seq - seq);
      this.varint(event.value === null ? 0 : event.value.length + 1);
      ({ time, offset, seq } = event);
    }
    const total = this.at + valueBytes;
    if (this.arena.length < total) this.arena = Buffer.allocUnsafe(total * 2);
    this.numbers.copy(this.arena, 0, 0, this.at);
    let position = this.at;
    for (const { value } of events) if (value !== null) position += value.copy(this.arena, position);
    invariant(position === total, "a chunk is as long as its parts");
    return Bun.zstdCompressSync(this.arena.subarray(0, total), { level: 1 });
  }

  private zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  private varint(value: number): void {
    let left = value;
    while (left >= 128) {
      this.numbers[this.at++] = (left % 128) | 128;
      left = Math.floor(left / 128);
    }
    this.numbers[this.at++] = left;
  }
}

/**
 * Reads a body back. Values are views of one buffer. A disk may have changed it: no length in it is believed.
 *
 * @throws AppError `CENTRAL_STORE_DAMAGED`.
 */
export function unpackChunk(body: Buffer): StoredEvent[] {
  const bytes = decompressed(body);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] ?? damaged("it ends too early");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const zigzag = (): number => {
    const value = varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  if (varint() !== version) damaged(`it is not of version ${version}`);
  const count = varint();
  const heads: { time: number; source: number; offset: number; lane: number; seq: number; length: number }[] = [];
  let time = 0;
  let offset = 0;
  let seq = 0;
  for (let index = 0; index < count; index++) {
    time += zigzag();
    const source = varint();
    offset += zigzag();
    const lane = varint();
    seq += zigzag();
    heads.push({ time, source, offset, lane, seq, length: varint() - 1 });
  }
  return heads.map(({ length, ...head }) => {
    const end = at + Math.max(0, length);
    if (end > bytes.length) damaged("a value ends after it");
    const value = length < 0 ? null : bytes.subarray(at, end);
    at = end;
    return { ...head, value };
  });
}

function decompressed(body: Buffer): Buffer {
  try {
    const raw = Bun.zstdDecompressSync(body);
    return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  } catch (thrown) {
    return damaged(messageOf(thrown));
  }
}

function damaged(why: string): never {
  throw new AppError(codes.CENTRAL_STORE_DAMAGED, `read a chunk of events: ${why}`);
}
