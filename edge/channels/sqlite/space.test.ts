import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import type { Fields, Signal } from "../../../shared/telemetry/log.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, makeBatch, spec } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { nothing, open } from "./testing/open.ts";

const MiB = 1024 * 1024;

test("only commits with batches wait for the disk; marks of much delivered data do too", async () => {
  using dir = tempDir();
  const script = `
    import { openWritten, spec, work } from ${JSON.stringify(join(import.meta.dir, "testing/writer.ts"))};
    const store = openWritten(process.argv[1]);
    const channel = store.channel("main"), lane = channel.createLane(spec);
    const position = (value) => ({ batches: [], counters: [], positions: [{ stream: "driving", key: "k", value }] });
    store.commit(work(lane, 0, 1));
    store.commit(position("0"));
    process.kill(process.pid, "SIGUSR1");
    for (let i = 0; i < 50; i++) store.commit(position(String(i)));
    process.kill(process.pid, "SIGUSR2");
    for (let i = 0; i < 10; i++) store.commit(work(lane, channel.nextSeq(lane), 1));
    process.kill(process.pid, "SIGURG");
    process.exit(0);`;
  const trace = dir.file("trace");
  const on = "process.on('SIGUSR1',()=>{});process.on('SIGUSR2',()=>{});";
  const child = startChild({
    command: [
      "strace",
      "-f",
      "-qq",
      "-o",
      trace,
      "-e",
      "trace=fsync,fdatasync,kill",
      process.execPath,
      "-e",
      on + script,
      dir.path,
    ],
  });
  await child.exited;
  expect(child.stderr).toBe("");
  const text = await Bun.file(trace).text();
  const phase = (from: string, to: string) =>
    text
      .split(from)[1]
      ?.split(to)[0]
      ?.match(/f(data)?sync\(/g)?.length ?? 0;
  expect(phase("kill(", "kill(")).toBe(0);
  expect(text.split("kill(")[2]?.match(/f(data)?sync\(/g)?.length).toBe(10);
});

test("a reader that stays open lets the log grow, and when it is gone the log is cut", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const said: string[] = [];
  const store = open(dir, { clock, report: (signal: Signal, _fields?: Fields) => void said.push(signal.name) });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const peek = new Sqlite(dir.file("channel.db"), { readonly: true });
  const rows = peek.prepare("SELECT id FROM body").iterate();
  rows.next();
  const flow = () => {
    for (let rounds = 0; rounds < 100; rounds++) {
      store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 1, 900_000)] });
      drain(channel.reader(lane));
      clock.advance(1_000);
    }
  };
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeGreaterThan(80 * MiB);
  expect(said).toContain("channel_checkpoint_held");
  rows.return?.();
  peek.close();
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeLessThan(20 * MiB);
  store.close();
}, 60_000);

test("the file is made small when it is large and nearly empty, and goes on as before", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const store = open(dir, { clock }, { bytesMax: 1024 * MiB });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const big = makeBatch(lane, 0, 1, 900_000).bytes.length;
  for (let put = 0; put < 300 * MiB; put += 4 * big) {
    const next = channel.nextSeq(lane);
    store.commit({
      ...nothing,
      batches: [0, 1, 2, 3].map((at) => makeBatch(lane, next + at, 1, 900_000, systemRandom)),
    });
  }
  expect(statSync(dir.file("channel.db")).size).toBeGreaterThan(256 * MiB);
  store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 3)] });
  const reader = channel.reader(lane);
  for (let left = channel.stat().batches - 1; left > 0; left--) {
    const batch = reader.next();
    if (batch !== undefined) reader.acknowledge(batch, undefined);
    if (store.unmarkedBytes > 4 * MiB) store.commit(nothing);
  }
  clock.advance(61_000);
  store.commit(nothing);
  store.commit(nothing);
  expect(statSync(dir.file("channel.db")).size).toBeLessThan(16 * MiB);
  expect(drain(reader).map(({ count }) => count)).toEqual([3]);
  store.commit({
    ...nothing,
    batches: [makeBatch(lane, channel.nextSeq(lane), 3), makeBatch(lane, channel.nextSeq(lane) + 3, 1, 90_000)],
  });
  store.close();
  const again = open(dir, { clock });
  expect(drain(again.channel("main").reader(lane)).map(({ count }) => count)).toEqual([3, 1]);
  again.close();
}, 60_000);

test("the reserve holds blocks, is written bit by bit, and stays over a restart", () => {
  using dir = tempDir();
  const store = open(dir, { reserveBytes: 3 * MiB });
  const path = dir.file("channel.reserve");
  expect(existsSync(path)).toBe(false);
  for (let round = 0; round < 5; round++)
    store.commit({ ...nothing, positions: [{ stream: "s", key: "k", value: `${round}` }] });
  expect(statSync(path).size).toBe(3 * MiB);
  expect(statSync(path).blocks * 512).toBeGreaterThanOrEqual(3 * MiB);
  store.close();
  open(dir, { reserveBytes: 3 * MiB }).close();
  expect(statSync(path).size).toBe(3 * MiB);
});
