import { expect, test } from "bun:test";
import { seededRandom } from "../random/random.ts";
import { type Ending, type LineOutput, LineSplitter } from "./split-lines.ts";

class Lines implements LineOutput {
  readonly lines: string[] = [];
  readonly cut: string[] = [];
  left = 0;
  line(buffer: Buffer, start: number, end: number): void {
    this.lines.push(buffer.toString("latin1", start, end));
  }
  cutLine(buffer: Buffer, start: number, end: number): void {
    this.cut.push(buffer.toString("latin1", start, end));
  }
  leftOut(bytes: number): void {
    this.left += bytes;
  }
}

function split(
  text: string,
  options: Partial<ConstructorParameters<typeof LineSplitter>[0]> = {},
  ending: Ending = "keep",
) {
  const splitter = new LineSplitter({
    lineBytesMax: 10,
    stripCarriageReturn: false,
    skipEmptyLines: false,
    ...options,
  });
  const buffer = Buffer.from(`${text}?`, "latin1");
  const output = new Lines();
  const used = splitter.split(buffer, 0, text.length, output, ending);
  return {
    lines: output.lines,
    cut: output.cut,
    left: output.left,
    used,
    skipping: splitter.skipping,
    after: buffer.at(-1),
  };
}

test.each<[string, string, Parameters<typeof split>[1], Ending, string[], number]>([
  ["a half line stays", "one\ntw", {}, "keep", ["one"], 4],
  ["a half line is a line when nothing follows", "one\ntw", {}, "final", ["one", "tw"], 6],
  ["a flush leaves half lines alone", "one\ntw", {}, "flush", ["one"], 4],
  ["empty lines pass", "\n\na\n", {}, "keep", ["", "", "a"], 4],
  ["empty lines are left out when told", "\n\na\n", { skipEmptyLines: true }, "keep", ["a"], 4],
  ["a carriage return is a byte like others", "a\r\n", {}, "keep", ["a\r"], 3],
  [
    "a carriage return is part of the line end when told",
    "a\r\nb\rc\n",
    { stripCarriageReturn: true },
    "keep",
    ["a", "b\rc"],
    7,
  ],
  ["NUL and invalid UTF-8 pass", "\u0000\u00ff\n", {}, "keep", ["\u0000\u00ff"], 3],
  ["a line of the longest length is whole", "0123456789\n", {}, "keep", ["0123456789"], 11],
  ["nothing gives nothing", "", {}, "final", [], 0],
])("%s", (_, text, options, ending, lines, used) => {
  expect(split(text, options, ending)).toEqual({ lines, cut: [], left: 0, used, skipping: false, after: 63 });
});

test("a line that is too long is cut and its rest counted", () => {
  expect(split("0123456789abc\nnext\n")).toMatchObject({ lines: ["next"], cut: ["0123456789"], left: 3, used: 19 });
});

test("a half line that is already too long is cut at once, and its rest is left out in the chunks that follow", () => {
  const splitter = new LineSplitter({ lineBytesMax: 10, stripCarriageReturn: false, skipEmptyLines: false });
  const output = new Lines();
  const give = (text: string) => splitter.split(Buffer.from(`${text}?`), 0, text.length, output, "keep");
  expect(give("0123456789abc")).toBe(13);
  expect(splitter.skipping).toBe(true);
  expect(give("more")).toBe(4);
  expect(give("end\nnext\n")).toBe(9);
  expect(output).toMatchObject({ lines: ["next"], cut: ["0123456789"], left: 3 + 4 + 3 });
  expect(splitter.skipping).toBe(false);
});

test("however a text is cut into chunks, the same lines come out and no byte is lost", () => {
  const random = seededRandom(7);
  const pick = (below: number) => Math.floor(random.next() * below);
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: pick(80) }, () => ["\n", "a", "b", "\r", "c", "dddddd"][pick(6)]).join("");
    const options = { lineBytesMax: 8, stripCarriageReturn: round % 2 === 0, skipEmptyLines: round % 3 === 0 };
    const whole = new Lines();
    new LineSplitter(options).split(Buffer.from(`${text}?`), 0, text.length, whole, "final");
    const parts = new Lines();
    const splitter = new LineSplitter(options);
    let used = 0;
    let seen = 0;
    while (used < text.length) {
      seen = Math.min(text.length, Math.max(seen, used) + 1 + pick(12));
      const chunk = text.slice(used, seen);
      used += splitter.split(Buffer.from(`${chunk}?`), 0, chunk.length, parts, seen === text.length ? "final" : "keep");
    }
    expect({ text, ...parts }).toEqual({ text, ...whole });
  }
});
