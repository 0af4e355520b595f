/**
 * Real processes, killed with -9 at random moments and at chosen system calls, and a disk that answers EIO. After each:
 * what was said to be durable is there, once, byte for byte; position and counter agree with the numbers.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../shared/random/random.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { describeBatch, drain } from "../../testing/contracts/batches.ts";
import { batchAt, openWritten } from "./testing/writer.ts";

/** `TAILGATE_KILLS=300 bun test …` for a long night. */
const kills = Number(process.env.TAILGATE_KILLS ?? 10);
const writer = join(import.meta.dir, "testing", "writer.ts");

/** What a writer said last under each word. */
function said(child: Child): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  // A line that was cut in the middle is no word of its.
  for (const line of child.stdout.split("\n").slice(0, -1)) {
    const [word = "", value] = line.split(" ");
    last.set(word, Number(value));
  }
  return last;
}

/** Opens the file, compares it with what was said, and takes out everything. */
function check(dataDir: string, last: ReadonlyMap<string, number>): void {
  const store = openWritten(dataDir);
  const channel = store.channel("main");
  const lane = channel.lanes()[0];
  const put = last.get("put") ?? 0;
  if (lane === undefined) {
    expect(put).toBe(0);
    store.close();
    return;
  }
  const next = channel.nextSeq(lane);
  expect(next).toBeGreaterThanOrEqual(put);
  expect(store.positions("driving").get("a.log")).toBe(String(next));
  expect(store.counters("driving").get("read")).toBe(next);
  const reader = channel.reader(lane);
  const mark = Number(reader.mark ?? 0);
  expect(mark).toBeGreaterThanOrEqual(last.get("marked") ?? 0);
  const head = reader.next();
  expect(head?.first ?? next).toBe(mark);
  for (let seq = mark, back = reader.kept(seq - 1); back !== undefined; back = reader.kept(seq - 1)) {
    expect(describeBatch(back)).toEqual(describeBatch(batchAt(lane, back.first)));
    seq = back.first;
  }
  let expected = mark;
  for (const batch of drain(reader)) {
    expect(describeBatch(batch)).toEqual(describeBatch(batchAt(lane, expected)));
    expected += batch.count;
  }
  expect(expected).toBe(next);
  expect(channel.stat()).toMatchObject({ events: 0, batches: 0, bytes: 0 });
  store.close();
}

test("killed with -9 at random moments, again and again on one file, it loses and repeats nothing", async () => {
  using dir = tempDir();
  const random = seededRandom(11);
  for (let round = 0; round < 8; round++) {
    const child = startChild({ command: [process.execPath, writer, dir.path, "0", String(round)] });
    await child.waitForLine("put");
    const enough = 20 + random.next() * 400;
    await until("enough to be written", () => child.stdout.length > enough * 10, Boolean, { everyMs: 2 });
    await child.kill();
    check(dir.path, said(child));
  }
}, 60_000);

/** Runs a short workload under strace, with a fault at the nth call; answers what it said. */
async function runWithFault(dataDir: string, inject: string, seed: number): Promise<Child> {
  const trace = `${dataDir}/trace`;
  const strace = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=pwrite64,fsync", "-e", `inject=${inject}`];
  const child = startChild({ command: [...strace, process.execPath, writer, dataDir, "25", String(seed)] });
  await child.exited;
  // A fault that did not happen proves nothing.
  expect(readFileSync(trace, "utf8")).toMatch(inject.includes("KILL") ? /killed by SIGKILL/ : /\(INJECTED\)/);
  return child;
}

test("killed at any write to the file, it opens again with everything it had said", async () => {
  const random = seededRandom(12);
  for (let round = 0; round < kills; round++) {
    using dir = tempDir();
    // The file's birth takes some 1,100 writes; the workload some 500 behind it. Both are tried.
    const at = Math.floor(round % 4 === 0 ? random.next() * 1_100 : 1_100 + random.next() * 400);
    const child = await runWithFault(dir.path, `pwrite64:signal=KILL:when=${at}`, round);
    check(dir.path, said(child));
  }
}, 600_000);

test("an fsync that answers EIO leaves nothing in doubt: the commit is stored once, or not and can be tried again", async () => {
  for (const when of [21, 23, 26, 30, 34]) {
    using dir = tempDir();
    const child = await runWithFault(dir.path, `fsync:error=EIO:when=${when}`, when);
    const last = said(child);
    expect(child.stderr).toBe("");
    expect(last.get("closed")).toBe(last.get("put"));
    check(dir.path, last);
  }
}, 120_000);

test("a disk that goes on answering EIO is asked until it answers; nothing is stored twice meanwhile", async () => {
  for (const faults of ["fsync:error=EIO:when=24..30", "pwrite64:error=EIO:when=1210..1216"]) {
    using dir = tempDir();
    const child = await runWithFault(dir.path, faults, 5);
    const last = said(child);
    expect(child.stderr).toBe("");
    expect(last.has("refused-EDGE_CHANNEL_IO")).toBe(true);
    expect(last.get("closed")).toBe(last.get("put"));
    check(dir.path, last);
  }
}, 120_000);

test("a write that answers EIO changes nothing", async () => {
  for (const when of [1_150, 1_201, 1_254]) {
    using dir = tempDir();
    const child = await runWithFault(dir.path, `pwrite64:error=EIO:when=${when}`, when);
    const last = said(child);
    expect(child.stderr).toBe("");
    expect(last.get("closed")).toBe(last.get("put"));
    check(dir.path, last);
  }
}, 120_000);
