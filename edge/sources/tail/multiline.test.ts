import { expect, test } from "bun:test";
import type { Ending, LineOutput } from "../../../shared/lines/split-lines.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { MultilineSplitter } from "./multiline.ts";

class Events implements LineOutput {
  readonly events: string[] = [];
  left = 0;
  line(buffer: Buffer, start: number, end: number): void {
    this.events.push(buffer.toString("latin1", start, end));
  }
  cutLine(buffer: Buffer, start: number, end: number): void {
    this.events.push(`CUT ${buffer.toString("latin1", start, end)}`);
  }
  leftOut(bytes: number): void {
    this.left += bytes;
  }
}

const make = (lineBytesMax = 100) =>
  new MultilineSplitter({
    lineBytesMax,
    stripCarriageReturn: false,
    skipEmptyLines: false,
    startsEvent: (text) => !text.startsWith(" "),
  });

function split(text: string, ending: Ending, lineBytesMax?: number) {
  const output = new Events();
  const used = make(lineBytesMax).split(Buffer.from(`${text}?`), 0, text.length, output, ending);
  return { events: output.events, used, left: output.left };
}

test.each<[string, string, Ending, string[], number]>([
  ["an event ends where the next begins", "a\n 1\n 2\nb\n", "keep", ["a\n 1\n 2"], 8],
  ["the last event waits", "a\n 1\n", "keep", [], 0],
  ["the last event is complete after the flush time, its half line not", "a\n 1\n 2", "flush", ["a\n 1"], 5],
  ["at the end the half line belongs to it", "a\n 1\n 2", "final", ["a\n 1\n 2"], 7],
  ["a half line does not tell yet whether it begins an event", "a\nb", "keep", [], 0],
  ["a file that begins with a continuation begins with an event", " 1\na\n", "keep", [" 1"], 3],
])("%s", (_, text, ending, events, used) => {
  expect(split(text, ending)).toEqual({ events, used, left: 0 });
});

test("an event that would become too long is given in parts that end with lines", () => {
  expect(split("a\n 11111\n 22222\nb\n", "keep", 10)).toEqual({ events: ["a\n 11111", " 22222"], used: 16, left: 0 });
});

test("a single line that is too long is cut", () => {
  expect(split(`a\n ${"x".repeat(20)}\nb\nc\n`, "keep", 10)).toEqual({
    events: ["a", "CUT  xxxxxxxxx", "b"],
    used: 26,
    left: 11,
  });
});

test("however the text is cut into chunks, the same events come out", () => {
  const random = seededRandom(11);
  const pick = (below: number) => Math.floor(random.next() * below);
  for (let round = 0; round < 300; round++) {
    const text = Array.from({ length: pick(40) }, () => `${["a", " b", "ccc", " dddd", ""][pick(5)]}\n`).join("");
    const whole = split(text, "final", 12).events;
    const parts = new Events();
    const splitter = make(12);
    let used = 0;
    let seen = 0;
    while (used < text.length) {
      seen = Math.min(text.length, Math.max(seen, used) + 1 + pick(9));
      const chunk = text.slice(used, seen);
      used += splitter.split(Buffer.from(`${chunk}?`), 0, chunk.length, parts, seen === text.length ? "final" : "keep");
    }
    expect({ text, events: parts.events }).toEqual({ text, events: whole });
  }
});
