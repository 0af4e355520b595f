/**
 * Thrift's two encodings, as far as a call with structures, lists, maps and texts needs them. Both write the same things in the
 * same order, so a message is read and written once, and the protocol says how each piece looks:
 *
 *     binary    0x80 0x01 …   every length and number in 4 bytes, fields with their type and number
 *     compact   0x82 …        varints, fields by the distance of their numbers
 *
 * What is read is not trusted: every length has a bound.
 */

/** What is not Thrift, or more than it may be. */
export class ThriftMistake extends Error {
  override readonly name = "ThriftMistake";
}

export type ThriftProtocol = "compact" | "binary";

/** Kinds of values, by the names that both protocols number differently. */
export type ThriftKind = "i32" | "binary" | "list" | "map" | "struct" | "other";

/** The head of a message. */
export interface ThriftMessage {
  readonly kind: "call" | "reply" | "exception" | "oneway";
  readonly name: string;
  readonly serial: number;
}

/** A field of a structure. */
export interface ThriftField {
  readonly kind: ThriftKind;
  /** As the protocol numbers it. */
  readonly code: number;
  readonly id: number;
}

const messageKinds = ["call", "reply", "exception", "oneway"] as const;
/** Structures in structures; more are nobody's. */
const depthMax = 16;

/** Codes of kinds: `sizes` are those of fixed length, which is all that is needed to read over a value. */
const codesOf = {
  binary: {
    kinds: { 8: "i32", 11: "binary", 12: "struct", 13: "map", 14: "list", 15: "list" },
    sizes: { 2: 1, 3: 1, 4: 8, 6: 2, 10: 8, 16: 16 },
  },
  compact: {
    kinds: { 5: "i32", 8: "binary", 9: "list", 10: "list", 11: "map", 12: "struct" },
    // Numbers are varints here (-1), and what is true or false stands in the head of a field.
    sizes: { 1: 0, 2: 0, 3: 1, 4: -1, 6: -1, 7: 8, 13: 16 },
  },
} as const satisfies Record<
  ThriftProtocol,
  { readonly kinds: Readonly<Record<number, ThriftKind>>; readonly sizes: Readonly<Record<number, number>> }
>;

/** Which protocol a message is written in, by its first byte; undefined: in none. */
export function protocolOf(message: Buffer): ThriftProtocol | undefined {
  if (message[0] === 0x82) return "compact";
  // Without a version, a message begins with the length of its name.
  return message[0] === 0x80 || message[0] === 0 ? "binary" : undefined;
}

/** Reads a message. Slices that it gives belong to the buffer. @throws ThriftMistake. */
export class ThriftReader {
  private at = 0;
  private lastField = 0;
  private readonly outer: number[] = [];

  constructor(
    private readonly protocol: ThriftProtocol,
    private readonly buffer: Buffer,
  ) {}

  message(): ThriftMessage {
    if (this.protocol === "compact") {
      this.byte();
      const second = this.byte();
      if ((second & 31) !== 1) throw new ThriftMistake(`version ${second & 31} of the compact protocol`);
      const serial = this.varint();
      return { kind: messageKind(second >> 5), serial, name: this.text() };
    }
    const first = this.int32();
    if (first < 0) {
      if (first >>> 16 !== 0x8001) throw new ThriftMistake("another version of the binary protocol");
      const name = this.text();
      return { kind: messageKind(first & 255), name, serial: this.int32() };
    }
    const name = this.slice(first).toString("utf8");
    return { kind: messageKind(this.byte()), name, serial: this.int32() };
  }

  /** Calls `read` for each field; what it does not read (it returns false) is read over. */
  struct(read: (field: ThriftField) => boolean): void {
    if (this.outer.length >= depthMax) throw new ThriftMistake("too deep");
    this.outer.push(this.lastField);
    this.lastField = 0;
    for (let field = this.field(); field !== undefined; field = this.field()) {
      if (!read(field)) this.skip(field.code);
    }
    this.lastField = this.outer.pop() ?? 0;
  }

  /** Calls `read` for each element. @param max more are a mistake. */
  list(wanted: ThriftKind, max: number, read: () => void): void {
    const { code, count } = this.listHead();
    if (count > max) throw new ThriftMistake(`more than ${max} elements`);
    if (count > 0 && this.kindOf(code) !== wanted) throw new ThriftMistake(`a list of something else than ${wanted}`);
    for (let index = 0; index < count; index++) read();
  }

  /** Calls `read` for each entry of a map of texts. */
  texts(max: number, read: (name: string, value: string) => void): void {
    const { key, value, count } = this.mapHead();
    if (count > max) throw new ThriftMistake(`more than ${max} entries`);
    if (count > 0 && (this.kindOf(key) !== "binary" || this.kindOf(value) !== "binary")) {
      throw new ThriftMistake("a map of something else than texts");
    }
    for (let index = 0; index < count; index++) read(this.text(), this.text());
  }

  bytes(): Buffer {
    return this.slice(this.protocol === "compact" ? this.varint() : this.int32());
  }

  text(): string {
    return this.bytes().toString("utf8");
  }

  i32(): number {
    if (this.protocol === "binary") return this.int32();
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private field(): ThriftField | undefined {
    const first = this.byte();
    if (first === 0) return undefined;
    if (this.protocol === "binary") {
      const id = this.slice(2).readInt16BE(0);
      return { code: first, kind: this.kindOf(first), id };
    }
    const code = first & 15;
    const distance = first >> 4;
    this.lastField = distance === 0 ? this.i32() : this.lastField + distance;
    return { code, kind: this.kindOf(code), id: this.lastField };
  }

  private listHead(): { readonly code: number; readonly count: number } {
    const first = this.byte();
    if (this.protocol === "binary") return { code: first, count: this.count() };
    const count = first >> 4;
    return { code: first & 15, count: count === 15 ? this.count() : count };
  }

  private mapHead(): { readonly key: number; readonly value: number; readonly count: number } {
    if (this.protocol === "binary") return { key: this.byte(), value: this.byte(), count: this.count() };
    const count = this.count();
    const kinds = count === 0 ? 0 : this.byte();
    return { key: kinds >> 4, value: kinds & 15, count };
  }

  /** Of elements: each of them takes a byte at least, except a truth in a compact structure. */
  private count(): number {
    const count = this.protocol === "compact" ? this.varint() : this.int32();
    if (count < 0 || count > this.buffer.length) throw new ThriftMistake("a count that cannot be");
    return count;
  }

  private skip(code: number, depth = 0): void {
    if (depth > depthMax) throw new ThriftMistake("too deep");
    const { sizes } = codesOf[this.protocol];
    const size: number | undefined = Object.entries(sizes).find(([each]) => Number(each) === code)?.[1];
    const kind = this.kindOf(code);
    if (kind === "i32") this.i32();
    else if (kind === "binary") this.bytes();
    else if (kind === "struct") this.struct(() => false);
    else if (kind === "list") {
      const { code: element, count } = this.listHead();
      for (let index = 0; index < count; index++) this.skipElement(element, depth + 1);
    } else if (kind === "map") {
      const { key, value, count } = this.mapHead();
      for (let index = 0; index < count; index++) {
        this.skipElement(key, depth + 1);
        this.skipElement(value, depth + 1);
      }
    } else if (size === undefined) throw new ThriftMistake(`no kind of value is numbered ${code}`);
    else if (size < 0) this.varint();
    else this.slice(size);
  }

  /** In a list or map a truth takes a byte. */
  private skipElement(code: number, depth: number): void {
    if (this.protocol === "compact" && (code === 1 || code === 2)) this.byte();
    else this.skip(code, depth);
  }

  private kindOf(code: number): ThriftKind {
    const kinds: Readonly<Record<number, ThriftKind>> = codesOf[this.protocol].kinds;
    return kinds[code] ?? "other";
  }

  private varint(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw new ThriftMistake("a number without end");
  }

  private int32(): number {
    return this.slice(4).readInt32BE(0);
  }

  private byte(): number {
    const byte = this.buffer[this.at];
    if (byte === undefined) throw new ThriftMistake("ends too early");
    this.at++;
    return byte;
  }

  private slice(length: number): Buffer {
    const end = this.at + length;
    if (length < 0 || end > this.buffer.length) throw new ThriftMistake("a length behind the end");
    const slice = this.buffer.subarray(this.at, end);
    this.at = end;
    return slice;
  }
}

function messageKind(code: number): ThriftMessage["kind"] {
  const kind = messageKinds[code - 1];
  if (kind === undefined) throw new ThriftMistake(`no message is of kind ${code}`);
  return kind;
}
