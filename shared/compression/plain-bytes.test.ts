import { describe, expect, test } from "bun:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { codecOf, DamagedContent, type FileCodec, PlainBytes } from "./plain-bytes.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const codecs: readonly FileCodec[] = ["gzip", "zstd"];
const compress = {
  gzip: (text: string | Buffer) => gzipSync(text),
  // As the program does.
  zstd: (text: string | Buffer) => zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
};
/** Lines that hardly compress: many pieces, many blocks. */
const lines = Array.from({ length: 40_000 }, (_, index) => `${index} ${Bun.hash(String(index))}\n`).join("");

async function plain(codec: FileCodec, bytes: Buffer, onPiece = (_bytes: number) => {}): Promise<string> {
  const content = new PlainBytes(codec, (into, position) => bytes.copy(into, 0, position));
  const found: Buffer[] = [];
  for (let piece = await content.next(); piece !== undefined; piece = await content.next()) {
    onPiece(piece.length);
    found.push(piece);
  }
  return Buffer.concat(found).toString();
}

async function failing(codec: FileCodec, bytes: Buffer): Promise<{ readonly text: string; readonly thrown: unknown }> {
  const content = new PlainBytes(codec, (into, position) => bytes.copy(into, 0, position));
  const found: Buffer[] = [];
  try {
    for (let piece = await content.next(); piece !== undefined; piece = await content.next()) found.push(piece);
    return { text: Buffer.concat(found).toString(), thrown: undefined };
  } catch (thrown) {
    return { text: Buffer.concat(found).toString(), thrown };
  }
}

const failure = (reading: Promise<unknown>) =>
  reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

test.each(codecs)("%s: members after each other are one content, empty ones too", async (codec) => {
  const make = compress[codec];
  const bytes = Buffer.concat([make("a\n"), make(""), make(lines), make("z\n")]);
  expect(codecOf(bytes)).toBe(codec);
  expect(await plain(codec, bytes)).toBe(`a\n${lines}z\n`);
});

test.each(codecs)(
  "%s: cut off anywhere, or followed by something else, is damaged and never taken for the end",
  async (codec) => {
    const whole = Buffer.concat([compress[codec]("first\n"), compress[codec](lines)]);
    const first = compress[codec]("first\n").length;
    const cuts = [5, first - 1, first + 1, first + 4, first + 9, Math.floor(whole.length / 2), whole.length - 1];
    for (const cut of cuts) expect(await failure(plain(codec, whole.subarray(0, cut)))).toBeInstanceOf(DamagedContent);
    expect(await failure(plain(codec, Buffer.concat([whole, Buffer.from("more")])))).toBeInstanceOf(DamagedContent);
    const flipped = Buffer.from(whole);
    flipped[first + 1_000] = ~(flipped[first + 1_000] ?? 0) & 255;
    expect(await failure(plain(codec, flipped))).toBeInstanceOf(DamagedContent);
  },
  20_000,
);

describe.each(codecs)("%s: what stands before a damage is given before it is told", (codec) => {
  const make = compress[codec];
  const whole = Buffer.concat([make("a\n"), make(lines)]);
  test.each([
    ["a word", Buffer.from("garbage")],
    ["much", Buffer.from("garbage".repeat(50_000))],
    ["zeros and one more member", Buffer.concat([Buffer.alloc(512), make("b\n")])],
  ])("%s behind it: all of it", async (_, garbage) => {
    const found = await failing(codec, Buffer.concat([whole, garbage]));
    expect(found.text).toBe(`a\n${lines}`);
    expect(found.thrown).toBeInstanceOf(DamagedContent);
    expect(found.thrown).toMatchObject({ isBehindWhole: true });
  });

  test("cut off or flipped: up to there", async () => {
    const flipped = Buffer.from(whole);
    flipped.fill(0xff, Math.floor(whole.length / 2), Math.floor(whole.length / 2) + 64);
    for (const bytes of [whole.subarray(0, Math.floor(whole.length / 2)), flipped]) {
      const found = await failing(codec, bytes);
      expect(found.thrown).toMatchObject({ isBehindWhole: false });
      expect(found.text.length).toBeGreaterThan(0.4 * lines.length);
      // What comes before the place where the check fails may be a few wrong bytes.
      expect(`a\n${lines}`).toStartWith(found.text.slice(0, Math.floor(0.4 * lines.length)));
    }
  });
});

test("zeros up to the end of a gzip file fill a block up: they are no damage", async () => {
  expect(await plain("gzip", Buffer.concat([gzipSync("a\n"), Buffer.alloc(200_000)]))).toBe("a\n");
});

test("what the file system says while it is read comes out as it is", async () => {
  const trouble = Object.assign(new Error("EIO"), { syscall: "read" });
  const content = new PlainBytes("gzip", () => {
    throw trouble;
  });
  expect(await failure(content.next())).toBe(trouble);
});

test("a reader that is closed while it waits comes to an end", async () => {
  const bytes = gzipSync(lines);
  const content = new PlainBytes("gzip", (into, position) => bytes.copy(into, 0, position));
  await content.next();
  const next = content.next();
  content.close();
  await next;
  expect(await content.next()).toBeUndefined();
});

test.each(codecs)("%s: what claims to hold much comes in small pieces", async (codec) => {
  let largest = 0;
  const bytes = compress[codec](Buffer.alloc(64 * 1024 * 1024));
  await plain(codec, bytes, (piece) => {
    largest = Math.max(largest, piece);
  });
  expect(largest).toBeLessThanOrEqual(128 * 1024);
});

test("zstd's frames are followed whatever their headers hold, byte by byte as well", () => {
  const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const tool = Bun.spawnSync(["zstd", "-q", "-c"], { stdin: Buffer.from(lines) });
  const others = tool.exitCode === 0 ? [Buffer.from(tool.stdout)] : [];
  const bytes = Buffer.concat([skippable, zstdCompressSync("x".repeat(100_000)), zstdCompressSync(""), ...others]);
  const [whole, single] = [new ZstdFrames(), new ZstdFrames()];
  expect(whole.push(bytes)).toBe(true);
  expect(whole.isComplete).toBe(true);
  for (let at = 0; at < bytes.length; at++) expect(single.push(bytes.subarray(at, at + 1))).toBe(true);
  expect(single.isComplete).toBe(true);
  expect(new ZstdFrames().push(Buffer.from("text"))).toBe(false);
});
