import { describe, expect, test } from "bun:test";
import { SyslogFrames, type SyslogFramesOptions } from "./frames.ts";

/** Gives the bytes in pieces; `<…>` is a cut message, `-n` bytes left out, `!` not syslog. */
function split(text: string, size: number, options: Partial<SyslogFramesOptions> = {}): string[] {
  const frames = new SyslogFrames({ framing: "auto", lineBytesMax: 16, ...options });
  const found: string[] = [];
  let leftOut = 0;
  const output = {
    line: (buffer: Buffer, start: number, end: number) => void found.push(buffer.toString("latin1", start, end)),
    cutLine: (buffer: Buffer, start: number, end: number) =>
      void found.push(`CUT ${buffer.toString("latin1", start, end)}`),
    leftOut: (bytes: number) => {
      leftOut += bytes;
    },
  };
  let held = Buffer.alloc(0);
  const all = Buffer.from(text, "latin1");
  for (let at = 0; at <= all.length; at += size) {
    held = Buffer.concat([held, all.subarray(at, at + size)]);
    const used = frames.split(held, output, at + size > all.length);
    if (used === undefined) return [...found, "!"];
    held = held.subarray(used);
  }
  expect(held.length).toBe(0);
  return leftOut === 0 ? found : [...found, `-${leftOut}`];
}

describe.each([1, 2, 3, 5, 1_000])("messages in pieces of %d bytes", (size) => {
  test.each([
    ["<1>a\n<2>b\r\n\n<3>c", ["<1>a", "<2>b", "<3>c"]],
    ["4 <1>a5 <2>b\n4 <3>c", ["<1>a", "<2>b\n", "<3>c"]],
    ["4 <1>a\n<2>b\n4 <3>c\n", ["<1>a", "<2>b", "<3>c"]],
    ["12 monkeys\n99\n7\n", ["12 monkeys", "99", "7"]],
    [`30 <1>${"x".repeat(27)}4 <2>b`, [`CUT <1>${"x".repeat(13)}`, "<2>b", "-14"]],
    [`<1>${"x".repeat(27)}\n4 <2>b`, [`CUT <1>${"x".repeat(13)}`, "<2>b", "-14"]],
    ["9 <1>half", ["CUT <1>half"]],
    ["123456789 <1>no length is so long\n", ["CUT 123456789 <1>no ", "-17"]],
    ["", []],
    ["\u0000\u00ff\n", ["\u0000\u00ff"]],
  ] as const)("%j", (text, messages) => {
    expect(split(text, size)).toEqual([...messages]);
  });

  test("all with lengths, or it is something else", () => {
    expect(split("4 <1>a4 <2>b", size, { framing: "octets" })).toEqual(["<1>a", "<2>b"]);
    expect(split("4 <1>aGET / HTTP/1.1\r\n", size, { framing: "octets" })).toEqual(["<1>a", "!"]);
  });

  test("all lines", () => {
    expect(split("4 <1>a\n5 <2>b\n", size, { framing: "newline" })).toEqual(["4 <1>a", "5 <2>b"]);
  });
});
