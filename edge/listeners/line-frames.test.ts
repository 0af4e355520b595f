import { describe, expect, test } from "bun:test";
import { LineFrames, type LineFramesOptions } from "./line-frames.ts";

/** Gives the text in pieces of `size` bytes, as a connection would; `<…>` is a cut line, `-n` bytes left out. */
function split(text: string, size: number, options: Partial<LineFramesOptions> = {}): string[] {
  const found: string[] = [];
  const frames = new LineFrames({ lineBytesMax: 8, stripCarriageReturn: false, skipEmptyLines: false, ...options });
  let leftOut = 0;
  const output = {
    line: (buffer: Buffer, start: number, end: number) => void found.push(buffer.toString("latin1", start, end)),
    cutLine: (buffer: Buffer, start: number, end: number) =>
      void found.push(`<${buffer.toString("latin1", start, end)}>`),
    leftOut: (bytes: number) => {
      leftOut += bytes;
    },
  };
  let held = Buffer.alloc(0);
  const all = Buffer.from(text, "latin1");
  for (let at = 0; at < all.length; at += size) {
    held = Buffer.concat([held, all.subarray(at, at + size)]);
    held = held.subarray(frames.split(held, output, false));
    expect(held.length).toBeLessThanOrEqual(9);
  }
  frames.split(held, output, true);
  return leftOut === 0 ? found : [...found, `-${leftOut}`];
}

describe.each([1, 2, 3, 7, 100])("lines in pieces of %d bytes", (size) => {
  test.each([
    ["a\nb\n", ["a", "b"]],
    ["\n\na", ["", "", "a"]],
    ["no line feed", ["<no line >", "-4"]],
    ["12345678\n123456789\nz\n", ["12345678", "<12345678>", "z", "-1"]],
    [`${"x".repeat(500)}\nnext\n${"y".repeat(30)}`, ["<xxxxxxxx>", "next", "<yyyyyyyy>", "-514"]],
    ["a\u0000b\r\n\u00ff\n", ["a\u0000b\r", "\u00ff"]],
  ] as const)("%j", (text, lines) => {
    expect(split(text, size)).toEqual([...lines]);
  });

  test("without the carriage return, and without empty lines, when asked", () => {
    const options = { stripCarriageReturn: true, skipEmptyLines: true };
    expect(split("a\r\n\r\n\nb\r\n12345678\r\n", size, options)).toEqual(["a", "b", "12345678"]);
  });
});
