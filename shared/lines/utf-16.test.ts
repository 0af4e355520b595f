import { expect, test } from "bun:test";
import { seededRandom } from "../random/random.ts";
import { type Ending, LineSplitter } from "./split-lines.ts";
import { type ByteOrder, byteOrderOf, Utf16Splitter } from "./utf-16.ts";

class Reader {
  readonly lines: string[] = [];
  leftOut = 0;
  place = 0;
  private readonly splitter: Utf16Splitter;

  constructor(order: ByteOrder, lineBytesMax = 1_000) {
    const inner = new LineSplitter({ lineBytesMax, stripCarriageReturn: true, skipEmptyLines: false });
    this.splitter = new Utf16Splitter(order, inner);
  }

  read(file: Buffer, ending: Ending = "keep"): void {
    const range = Buffer.concat([file.subarray(this.place), Buffer.alloc(1)]);
    const note = (buffer: Buffer, start: number, end: number) =>
      void this.lines.push(buffer.toString("utf8", start, end));
    this.splitter.begin(this.place);
    const output = {
      line: note,
      cutLine: note,
      leftOut: (bytes: number) => {
        this.leftOut += bytes;
      },
    };
    this.place += this.splitter.split(range, 0, range.length - 1, output, ending);
  }
}

const mark = "\u{feff}";

function encode(text: string, order: ByteOrder): Buffer {
  const bytes = Buffer.from(text, "utf16le");
  return order === "little" ? bytes : bytes.swap16();
}

test.each(["little", "big"] as const)("lines come as UTF-8, without the mark at the beginning (%s)", (order) => {
  const reader = new Reader(order);
  reader.read(encode(`${mark}one\r\nzwei ä\n三 😀\n\nhalf`, order));
  expect(reader.lines).toEqual(["one", "zwei ä", "三 😀", ""]);
  reader.read(encode(`${mark}one\r\nzwei ä\n三 😀\n\nhalf`, order), "final");
  expect(reader.lines.at(-1)).toBe("half");
});

test.each(["little", "big"] as const)(
  "in parts of any size each line comes once; a pair is never divided (%s)",
  (order) => {
    const random = seededRandom(7);
    const texts = Array.from(
      { length: 50 },
      (_, index) => `${index} ${"😀".repeat(index % 5)}${"一\u0a0a".repeat(index % 3)}`,
    );
    const file = encode(mark + texts.map((text) => `${text}\n`).join(""), order);
    const reader = new Reader(order);
    for (let size = 0; size < file.length; size += 1 + Math.floor(random.next() * 40))
      reader.read(file.subarray(0, size));
    reader.read(file);
    expect(reader.lines).toEqual(texts);
    expect(reader.place).toBe(file.length);
  },
);

test("a mark in the middle of a file is a character; what is no valid pair becomes U+FFFD; half a unit at the end is counted", () => {
  const reader = new Reader("little");
  const file = Buffer.concat([encode(`a\n${mark}b\n\ud800x\n`, "little"), Buffer.from([0x41])]);
  reader.read(file);
  expect(reader.lines).toEqual(["a", `${mark}b`, "\u{fffd}x"]);
  reader.read(file, "final");
  expect(reader.place).toBe(file.length);
  expect(reader.leftOut).toBe(1);
});

test("a line that is too long is cut by its bytes in UTF-8, and what follows is read", () => {
  const reader = new Reader("little", 8);
  reader.read(encode(`${mark}${"ä".repeat(10)}\nok\n`, "little"));
  expect(reader.lines).toEqual(["ääää", "ok"]);
  expect(reader.leftOut).toBe(12);
});

test("what a file begins with says its byte order", () => {
  expect(byteOrderOf(Buffer.from([0xff, 0xfe, 0x41, 0]))).toBe("little");
  expect(byteOrderOf(Buffer.from([0xfe, 0xff]))).toBe("big");
  expect(byteOrderOf(Buffer.from("plain"))).toBeUndefined();
  expect(byteOrderOf(Buffer.from([0xff]))).toBeUndefined();
  // UTF-32, which nobody here reads.
  expect(byteOrderOf(Buffer.from([0xff, 0xfe, 0, 0]))).toBeUndefined();
});
