import { expect, test } from "bun:test";
import {
  closeSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { tempDir } from "../testing/temp-dir.ts";
import { resolveLinks } from "./links.ts";
import { type OpenRules, openRegular } from "./open-regular.ts";
import { noOwnFiles, OwnFiles } from "./own-files.ts";
import { childOf, namesIn, shownPath, systemPath, textOf } from "./path-text.ts";
import { FileRefused, systemCode } from "./refusal.ts";

const anyRegular: OpenRules = { owners: undefined, hardLinks: true, keepOut: noOwnFiles };

function folder() {
  const dir = tempDir();
  const path = realpathSync(dir.path);
  return { path, file: (name: string) => join(path, name), [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

function contentOf(path: string, rules: Partial<OpenRules> = {}): string {
  const fd = openRegular(path, { ...anyRegular, ...rules });
  try {
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

test.each([
  ["plain", Buffer.from("driving.log")],
  ["UTF-8", Buffer.from("fahrt-ü-😀.log")],
  ["Latin-1", Buffer.from([0x66, 0xfc, 0x2e])],
  ["every byte", Buffer.from(Array.from({ length: 255 }, (_, index) => index + 1))],
  ["a real replacement character", Buffer.from("a\u{fffd}b")],
  ["a replacement character beside a byte", Buffer.concat([Buffer.from("\u{fffd}"), Buffer.from([0xff])])],
  ["half a surrogate pair as CESU", Buffer.from([0xed, 0xb2, 0x80])],
])("a name of %s bytes has one text, and the text its bytes again, also through JSON", (_, bytes) => {
  const text = textOf(bytes);
  expect(Buffer.from(systemPath(JSON.parse(JSON.stringify(text))))).toEqual(bytes);
});

test("random bytes survive as text", () => {
  let seed = 7;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: 12 }, () => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return (seed >>> 16) & 0xff;
      }),
    );
    expect(Buffer.from(systemPath(textOf(bytes)))).toEqual(bytes);
  }
});

test("names that are not UTF-8 are listed and can be opened", () => {
  using dir = folder();
  const path = Buffer.concat([Buffer.from(`${dir.path}/`), Buffer.from([0xff, 0xfe, 0x2e])]);
  writeFileSync(path, "bytes");
  const [name = ""] = namesIn(dir.path);
  expect(contentOf(childOf(dir.path, name))).toBe("bytes");
  expect(shownPath(name)).toBe("\\xff\\xfe.");
});

test("names cannot draw on a terminal", () => {
  expect(shownPath("a\u001b[31m\u009b\u202eb")).toBe("a\\x1b[31m\\x9b\\u{202e}b");
});

test("a FIFO, a socket, a folder and a link are refused at once", async () => {
  using dir = folder();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  mkdirSync(dir.file("folder"));
  writeFileSync(dir.file("file"), "x");
  symlinkSync(dir.file("file"), dir.file("link"));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(dir.file("socket"), resolve));
  expect(() => contentOf(dir.file("fifo"))).toThrow("a FIFO");
  expect(() => contentOf(dir.file("socket"))).toThrow("a socket");
  expect(() => contentOf(dir.file("folder"))).toThrow("a folder");
  expect(() => contentOf(dir.file("link"))).toThrow("a link");
  expect(() => contentOf("/dev/zero")).toThrow("a device");
  await new Promise((resolve) => server.close(resolve));
});

test("a file that is renamed while it is opened is not said to be behind a link", async () => {
  using dir = tempDir();
  const [here, there] = [dir.file("x.log"), dir.file("x.log.1")];
  writeFileSync(here, "moving\n");
  const script = `const { renameSync } = require("node:fs");
    for (let count = 0; count < 100_000; count++) { renameSync("${here}", "${there}"); renameSync("${there}", "${here}"); }`;
  const renames = Bun.spawn([process.execPath, "-e", script]);
  const refused = new Set<string>();
  let opened = 0;
  while (renames.exitCode === null) {
    for (let tries = 0; tries < 200; tries++) {
      try {
        closeSync(openRegular(here, anyRegular));
        opened++;
      } catch (thrown) {
        if (thrown instanceof FileRefused) refused.add(thrown.message);
        else expect(systemCode(thrown)).toBe("ENOENT");
      }
    }
    await Bun.sleep(0);
  }
  expect(opened).toBeGreaterThan(0);
  expect([...refused]).toEqual([]);
}, 60_000);

test("a folder that was replaced by a link after it was looked at leads nowhere", () => {
  using dir = folder();
  mkdirSync(dir.file("logs"));
  mkdirSync(dir.file("private"));
  writeFileSync(dir.file("private/x.log"), "private");
  writeFileSync(dir.file("logs/x.log"), "public");
  const path = resolveLinks(dir.file("logs/x.log"), []);
  renameSync(dir.file("logs"), dir.file("old"));
  symlinkSync(dir.file("private"), dir.file("logs"));
  expect(() => contentOf(path)).toThrow("behind a link");
});

test("files of the system, our own, of strangers and of two names are refused where that is asked", () => {
  using dir = folder();
  writeFileSync(dir.file("x.log"), "x");
  expect(() => contentOf(`/proc/${process.pid}/environ`)).toThrow("system's own");
  expect(() => contentOf("/sys/kernel/uevent_seqnum")).toThrow("system's own");
  expect(() => contentOf(dir.file("x.log"), { keepOut: new OwnFiles(dir.path, () => []) })).toThrow(
    "one of our own files",
  );
  expect(() => contentOf(dir.file("x.log"), { keepOut: new OwnFiles("/nowhere", () => [dir.file("x.log")]) })).toThrow(
    "one of our own files",
  );
  expect(() => contentOf(dir.file("x.log"), { owners: [4_000_000] })).toThrow("not among owners");
  expect(contentOf(dir.file("x.log"), { owners: [process.getuid?.() ?? 0], hardLinks: false })).toBe("x");
  linkSync(dir.file("x.log"), dir.file("y.log"));
  expect(() => contentOf(dir.file("x.log"), { hardLinks: false })).toThrow("2 names");
  expect(contentOf(dir.file("y.log"))).toBe("x");
});

test("links of our own are followed, with false none, a circle ends", () => {
  using dir = folder();
  mkdirSync(dir.file("a"));
  writeFileSync(dir.file("a/x.log"), "x");
  symlinkSync("a", dir.file("b"));
  symlinkSync("../b/x.log", dir.file("a/y.log"));
  symlinkSync("circle", dir.file("circle"));
  expect(resolveLinks(dir.file("b/y.log"), [])).toBe(dir.file("a/x.log"));
  expect(() => resolveLinks(dir.file("b/y.log"), false)).toThrow("followSymlinks is false");
  expect(() => resolveLinks(dir.file("circle"), true)).toThrow("circle");
  expect(() => resolveLinks(dir.file("a/x.log/z"), true)).toThrow();
});

test("a link of another user is followed to what lies below its folder or a named root, and nowhere else", () => {
  using dir = folder();
  mkdirSync(dir.file("theirs/below"), { recursive: true });
  mkdirSync(dir.file("private"));
  writeFileSync(dir.file("private/secret"), "s");
  writeFileSync(dir.file("theirs/below/x.log"), "x");
  symlinkSync(dir.file("private/secret"), dir.file("theirs/out.log"));
  symlinkSync("below/x.log", dir.file("theirs/in.log"));
  symlinkSync("theirs/out.log", dir.file("through.log"));
  const strangers = { trusted: [] };
  expect(resolveLinks(dir.file("theirs/in.log"), [], strangers)).toBe(dir.file("theirs/below/x.log"));
  expect(() => resolveLinks(dir.file("theirs/out.log"), [], strangers)).toThrow("followSymlinks");
  expect(() => resolveLinks(dir.file("through.log"), [], strangers)).toThrow("followSymlinks");
  expect(() => resolveLinks(dir.file("theirs/out.log"), [dir.file("theirs")], strangers)).toThrow("followSymlinks");
  expect(resolveLinks(dir.file("theirs/out.log"), [dir.file("private")], strangers)).toBe(dir.file("private/secret"));
  expect(resolveLinks(dir.file("theirs/out.log"), true, strangers)).toBe(dir.file("private/secret"));
});
