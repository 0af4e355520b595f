import { expect, test } from "bun:test";
import { seededRandom } from "../random/random.ts";
import { type ContainerFormat, ContainerSplitter, type RecordFacts } from "./container-lines.ts";
import type { Ending } from "./split-lines.ts";

interface Given {
  readonly text: string;
  readonly facts: RecordFacts | undefined;
  readonly isCut: boolean;
}

/** Reads a file as the source does: from a place that is remembered with `given`, as much as is there. */
class Reader {
  readonly events: Given[] = [];
  leftOut = 0;
  place = 0;
  given = 0;
  skipping = false;
  private facts: RecordFacts | undefined;
  private readonly splitter: ContainerSplitter;

  constructor(format: ContainerFormat, lineBytesMax = 1_000) {
    this.splitter = new ContainerSplitter({
      format,
      lineBytesMax,
      stripCarriageReturn: false,
      skipEmptyLines: false,
      about: (facts) => {
        this.facts = facts;
      },
    });
  }

  read(file: Buffer, ending: Ending = "keep"): void {
    const range = Buffer.concat([file.subarray(this.place), Buffer.alloc(1)]);
    const note = (isCut: boolean) => (buffer: Buffer, start: number, end: number) =>
      void this.events.push({ text: buffer.toString("latin1", start, end), facts: this.facts, isCut });
    this.splitter.skipping = this.skipping;
    this.splitter.begin(this.place, this.given);
    const output = {
      line: note(false),
      cutLine: note(true),
      leftOut: (bytes: number) => {
        this.leftOut += bytes;
      },
    };
    this.place += this.splitter.split(range, 0, range.length - 1, output, ending);
    this.given = this.splitter.given;
    this.skipping = this.splitter.skipping;
  }
}

const timeMs = Date.UTC(2026, 10, 26, 17, 0, 0, 123);
const time = "2026-11-26T17:00:00.123456789Z";

function wrap(format: ContainerFormat, stream: string, text: string, isLast: boolean): string {
  if (format === "docker") return `${JSON.stringify({ log: isLast ? `${text}\n` : text, stream, time })}\n`;
  return `${time} ${stream} ${isLast ? "F" : "P"} ${text}\n`;
}

test.each(["docker", "cri"] as const)("a record is unwrapped: text, stream, time (%s)", (format) => {
  const reader = new Reader(format);
  reader.read(Buffer.from(wrap(format, "stderr", "one", true) + wrap(format, "stdout", "", true)));
  expect(reader.events).toEqual([
    { text: "one", facts: expect.objectContaining({ stream: "stderr", timeMs }), isCut: false },
    { text: "", facts: expect.objectContaining({ stream: "stdout", timeMs }), isCut: false },
  ]);
});

test("CRI: bytes of a line are kept as they are, tags may be more than one, offsets of time zones count", () => {
  const reader = new Reader("cri");
  reader.read(Buffer.from(`2026-11-26T18:00:00.5+01:00 stdout P:x a\xff\n${time} stdout F \xfe b\n`, "latin1"));
  const facts = expect.objectContaining({ timeMs: Date.UTC(2026, 10, 26, 17, 0, 0, 500) });
  expect(reader.events).toEqual([{ text: "a\xff\xfe b", facts, isCut: false }]);
});

test.each(["docker", "cri"] as const)(
  "what is no record passes as it is: half JSON, plain text, nothing (%s)",
  (format) => {
    const reader = new Reader(format);
    const odd = ['{"log":"a', "plain", "", "{}", '{"log":1}', "null", "2026-11-26T17:00:00Z stdout"];
    reader.read(Buffer.from(odd.map((line) => `${line}\n`).join("") + wrap(format, "stdout", "one", true)));
    expect(reader.events.map(({ text }) => text)).toEqual([...odd, "one"]);
    expect(reader.events[0]?.facts).toBeUndefined();
  },
);

test.each(["docker", "cri"] as const)("a joined line that is too long is cut, and its rest counted (%s)", (format) => {
  const reader = new Reader(format, 10);
  reader.read(Buffer.from(wrap(format, "stdout", "12345678", false) + wrap(format, "stdout", "90abc", true)));
  expect(reader.events).toMatchObject([{ text: "1234567890", isCut: true }]);
  expect(reader.leftOut).toBe(3);
});

test("pieces that never end are given when they fill all that can be read at once", () => {
  const reader = new Reader("cri", 4_000_000);
  const piece = wrap("cri", "stdout", "x".repeat(16_000), false);
  reader.read(Buffer.from(piece.repeat(70)));
  expect(reader.events.map(({ text }) => text.length)).toEqual([70 * 16_000]);
  expect(reader.place).toBe(piece.length * 70);
});

test("at the end of a file that is complete what is open is given", () => {
  const reader = new Reader("cri");
  const text = `${wrap("cri", "stdout", "a", false)}${wrap("cri", "stderr", "b", true)}${time} stdout F half`;
  reader.read(Buffer.from(text));
  expect(reader.events.map((each) => each.text)).toEqual(["b"]);
  reader.read(Buffer.from(text), "final");
  expect(reader.events.map((each) => each.text)).toEqual(["b", "ahalf"]);
  expect(reader.place).toBe(text.length);
});

test.each(
  (["docker", "cri"] as const).flatMap((format) => Array.from({ length: 40 }, (_, seed) => [format, seed] as const)),
)(
  "read in parts of any size, and begun again anywhere, each line is given once and in order (%s, seed %d)",
  (format, seed) => {
    const random = seededRandom(seed);
    const pick = (below: number) => Math.floor(random.next() * below);
    const records: { readonly record: string; readonly whole: string | undefined }[] = [];
    const open = new Map<string, string>();
    for (let number = 0; number < 60; number++) {
      const stream = random.next() < 0.6 ? "stdout" : "stderr";
      const text = `${number}${"y".repeat(pick(12))}`;
      const isLast = random.next() < 0.5;
      const joined = (open.get(stream) ?? "") + text;
      if (isLast) open.delete(stream);
      else open.set(stream, joined);
      records.push({ record: wrap(format, stream, text, isLast), whole: isLast ? joined : undefined });
    }
    const file = Buffer.from(records.map(({ record }) => record).join(""));
    const reader = new Reader(format);
    let committed = { events: 0, place: 0, given: 0, skipping: false };
    for (let size = 0; size < file.length; ) {
      size = Math.min(file.length, size + pick(120));
      reader.read(file.subarray(0, size));
      const { place, given, skipping } = reader;
      if (random.next() < 0.5) committed = { events: reader.events.length, place, given, skipping };
      if (random.next() < 0.15) {
        // Killed: what was not committed is gone.
        reader.events.length = committed.events;
        Object.assign(reader, { place: committed.place, given: committed.given, skipping: committed.skipping });
      }
    }
    reader.read(file);
    expect(reader.events.map(({ text }) => text)).toEqual(records.flatMap(({ whole }) => whole ?? []));
  },
);
