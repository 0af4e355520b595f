import { expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
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
