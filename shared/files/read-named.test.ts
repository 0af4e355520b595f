import { expect, test } from "bun:test";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { tempDir } from "../testing/temp-dir.ts";
import { readNamedText, withPipes } from "./read-named.ts";
import { fileHint } from "./refusal.ts";

const rules = { bytesMax: 1_000 };
const atReload = { ...rules, pipes: "refuse" } as const;

/** What is said of a path, with its hint. */
function said(path: string, given: Parameters<typeof readNamedText>[1] = rules): string {
  try {
    readNamedText(path, given);
  } catch (thrown) {
    return `${thrown instanceof Error ? thrown.message : thrown}; ${fileHint(thrown) ?? ""}`;
  }
  throw new Error("it was read");
}

/** A shell that fills a FIFO. */
function writer(command: string) {
  const child = Bun.spawn(["sh", "-c", command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  return { [Symbol.dispose]: () => child.kill(9) };
}

test("a file is read whole, also an empty one, by a link, and one of the kernel's that has no size", () => {
  using dir = tempDir();
  writeFileSync(dir.file("a"), "text\n".repeat(200));
  symlinkSync(dir.file("a"), dir.file("link"));
  writeFileSync(dir.file("empty"), "");
  expect(readNamedText(dir.file("a"), atReload)).toHaveLength(1_000);
  expect(readNamedText(dir.file("link"), atReload)).toHaveLength(1_000);
  expect(readNamedText(dir.file("empty"), atReload)).toBe("");
  expect(readNamedText("/proc/self/cmdline", { ...atReload, bytesMax: 1_000_000 })).toContain("bun");
});

test("whatever else stands at a path is refused in words, and at once", async () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  symlinkSync(dir.file("fifo"), dir.file("to-fifo"));
  symlinkSync("loop", dir.file("loop"));
  symlinkSync("nowhere", dir.file("dangling"));
  mkdirSync(dir.file("folder"));
  writeFileSync(dir.file("sparse"), "");
  truncateSync(dir.file("sparse"), 2 ** 40);
  writeFileSync(dir.file("large"), "x".repeat(1_001));
  const server = createServer().listen(dir.file("socket"));
  try {
    expect(said(dir.file("fifo"), atReload)).toMatch(/^it is a FIFO, .*; name a regular file/);
    expect(said(dir.file("to-fifo"), atReload)).toMatch(/^it is a FIFO/);
    expect(said("/dev/ptmx", atReload)).toMatch(/^it is a device/);
    for (const given of [rules, atReload]) {
      expect(said("/dev/zero", given)).toBe("it is a device; name a regular file");
      expect(said("/dev/null", given)).toBe("it is a device; name a regular file");
      expect(said(dir.file("socket"), given)).toBe("it is a socket; name a regular file");
      expect(said(dir.file("folder"), given)).toBe("it is a folder; name the file in it");
      expect(said(dir.file("loop"), given)).toMatch(/ELOOP.*; its links lead in a circle/);
      expect(said(dir.file("dangling"), given)).toContain("ENOENT");
      expect(said(dir.file("large/below"), given)).toContain("ENOTDIR");
      expect(said(dir.file("n".repeat(256)), given)).toContain("ENAMETOOLONG");
      expect(said(dir.file("large"), given)).toMatch(/^it is larger than 1000 B/);
      expect(said(dir.file("sparse"), given)).toMatch(/^it is larger than 1000 B/);
    }
  } finally {
    server.close();
  }
});

test("a file that grows while it is read is no longer than its bound", () => {
  expect(said("/proc/self/maps", rules)).toMatch(/^it is larger than 1000 B/);
});

test("at a start a pipe is waited for, with and without a name", () => {
  using dir = tempDir();
  const fifo = dir.file("fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  {
    using _late = writer(`sleep 0.3; { echo one; sleep 0.3; echo two; } > ${fifo}`);
    expect(readNamedText(fifo, rules)).toBe("one\ntwo\n");
  }
  {
    using _endless = writer(`yes > ${fifo}`);
    expect(said(fifo)).toMatch(/^it is larger than/);
  }
  const script = `import { readNamedText } from ${JSON.stringify(`${import.meta.dir}/read-named.ts`)};
    process.stdout.write(readNamedText(process.argv[2], { bytesMax: 1000 }));`;
  writeFileSync(dir.file("read.ts"), script);
  for (const given of [
    "<(echo text)",
    "<(sleep 0.5; echo text)",
    "/dev/stdin < <(echo text)",
    "/dev/fd/7 7< <(echo text)",
  ]) {
    const { stdout, stderr } = Bun.spawnSync([
      "bash",
      "-c",
      `exec "${process.execPath}" ${dir.file("read.ts")} ${given}`,
    ]);
    expect(`${given}: ${stdout}${stderr}`).toBe(`${given}: text\n`);
  }
  const { stdout } = Bun.spawnSync(["bash", "-c", `exec "${process.execPath}" ${dir.file("read.ts")} <(true)`]);
  expect(stdout.toString()).toBe("");
}, 60_000);

test("a pipe that nobody fills is said after a while", () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  const quiet = { ...rules, silenceMaxMs: 50 };
  expect(said(dir.file("fifo"), quiet)).toMatch(
    /^it is a pipe that nothing came out of for .*; does its writer run\?$/,
  );
  using _holds = writer(`exec sleep 60 > ${dir.file("fifo")}`);
  expect(said(dir.file("fifo"), quiet)).toMatch(/^it is a pipe that nothing came out of/);
});

test("what is read inside of a reload refuses pipes without a word of its own", () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  expect(withPipes("refuse", () => said(dir.file("fifo")))).toMatch(/^it is a FIFO/);
  expect(said(dir.file("fifo"), { ...rules, silenceMaxMs: 0 })).toMatch(/^it is a pipe that nothing/);
});

test("a file that is there and gone again is an error of the system's", () => {
  using dir = tempDir();
  writeFileSync(dir.file("a"), "x");
  rmSync(dir.file("a"));
  expect(said(dir.file("a"))).toContain("ENOENT");
});

test("who waits for a pipe that nobody writes to says so after a second, on standard error", async () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  const module = JSON.stringify(join(import.meta.dir, "read-named.ts"));
  const script = `import { readNamedText } from ${module}; readNamedText(${JSON.stringify(dir.file("fifo"))}, { bytesMax: 100, silenceMaxMs: 3_000 })`;
  const { stderr } = Bun.spawnSync([process.execPath, "-e", script]);
  const said = stderr.toString();
  expect(
    said.match(/nothing has come out of \S+\/fifo yet, which is a pipe: it is waited for, 3 s at most\n/g),
  ).toHaveLength(1);
  expect(said).toContain("a pipe that nothing came out of for 3 s");
});
