import { expect, test } from "bun:test";
import { join } from "node:path";
import { decodeText, ShortTexts } from "./short-texts.ts";

const mebibyte = 1024 * 1024;

/** A collector that notes what it is asked for; so many bytes are in use after each time. */
function counting(usedBytes = 26 * mebibyte) {
  const asked: string[] = [];
  const noting = (kind: string) => () => {
    asked.push(kind);
    return usedBytes;
  };
  return { asked, texts: new ShortTexts({ quick: noting("quick"), full: noting("full") }) };
}

const longest = "x".repeat(256);
const inTwoMib = (2 * mebibyte) / longest.length;

test("after each 2 MiB of short texts the collector is asked, each eighth time for everything", () => {
  const { asked, texts } = counting();
  for (let n = 1; n < inTwoMib; n++) texts.made(longest, 256);
  expect(asked).toEqual([]);
  texts.made(longest, 256);
  expect(asked).toEqual(["quick"]);
  for (let n = 0; n < 15 * inTwoMib; n++) texts.made(longest, 256);
  const eight = [...Array.from({ length: 7 }, () => "quick"), "full"];
  expect(asked).toEqual([...eight, ...eight]);
});

test("where much is in use the collector is asked less often: after a sixteenth of it", () => {
  const { asked, texts } = counting(64 * mebibyte);
  for (let n = 0; n < inTwoMib; n++) texts.made(longest, 256);
  expect(asked).toEqual(["quick"]);
  for (let n = 1; n < 2 * inTwoMib; n++) texts.made(longest, 256);
  expect(asked).toEqual(["quick"]);
  texts.made(longest, 256);
  expect(asked).toEqual(["quick", "quick"]);
});

test("with little in use as much may lie about as there is room for, up to 6 MiB", () => {
  for (const [usedBytes, mebibytes] of [
    [15 * mebibyte, 5],
    [3 * mebibyte, 6],
  ] as const) {
    const { asked, texts } = counting(usedBytes);
    for (let n = 0; n < inTwoMib; n++) texts.made(longest, 256);
    expect(asked).toEqual(["quick"]);
    for (let n = 1; n < (inTwoMib / 2) * mebibytes; n++) texts.made(longest, 256);
    expect(asked).toEqual(["quick"]);
    texts.made(longest, 256);
    expect(asked).toEqual(["quick", "quick"]);
  }
});

test("what the collector counts by itself is not counted here", () => {
  const { asked, texts } = counting();
  const line = "x".repeat(257);
  // Two bytes a character: 258.
  const other = "三".repeat(129);
  for (let n = 0; n < 100_000; n++) {
    texts.made(line, 257);
    texts.made(other, 387);
  }
  expect(asked).toEqual([]);
});

test("a short text of two bytes a character is counted as it lies in memory", () => {
  const { asked, texts } = counting();
  const line = "三".repeat(128);
  for (let n = 0; n < inTwoMib; n++) texts.made(line, 384);
  expect(asked).toEqual(["quick"]);
});

test("bytes become the text that they are", () => {
  const bytes = Buffer.from("ab\u{e9}三😀\u0000|\xff|", "utf8");
  expect(decodeText(bytes, 0, bytes.length)).toBe(bytes.toString());
  expect(decodeText(bytes, 1, 4)).toBe("b\u{e9}");
  expect(decodeText(Buffer.from([97, 0xff, 0xe4, 98]), 0, 4)).toBe("a\ufffd\ufffdb");
  expect(decodeText(bytes, 2, 2)).toBe("");
});

// A process of its own: how large the heap of this one is depends on the tests before.
test("a million lines of which nothing is kept take little memory", () => {
  const program = `
    import { decodeText } from ${JSON.stringify(join(import.meta.dir, "short-texts.ts"))};
    const buffer = Buffer.alloc(200 * 5_000, "x");
    const before = process.memoryUsage.rss();
    let grown = 0;
    for (let round = 0; round < 200; round++) {
      for (let start = 0; start < buffer.length; start += 200) decodeText(buffer, start, start + 200);
      grown = Math.max(grown, process.memoryUsage.rss() - before);
    }
    console.log(grown / 1e6);
  `;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", program]);
  const grownMb = Number.parseFloat(stdout.toString());
  expect(stderr.toString()).toBe("");
  expect(grownMb).toBeLessThan(80);
}, 120_000);
