import { expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { falseClock } from "./false-clock.ts";
import { fillDisk } from "./filler.ts";
import { smallDisk } from "./small-disk.ts";

test("a small disk is seen by who enters, is really full at its end, and keeps what a killed process wrote", async () => {
  await using disk = await smallDisk(4 << 20);
  const run = (script: string) => startChild({ command: disk.enter(["sh", "-c", script, "sh", disk.path]) });
  await using writer = run('echo kept > "$1/file" && echo written && sleep 60');
  await writer.waitForLine("written");
  await writer.kill();
  expect(await Bun.file(disk.outside("file")).text()).toBe("kept\n");
  expect(existsSync(`${disk.path}/file`)).toBe(false);
  {
    using filler = fillDisk(disk.outside("filler"));
    expect(filler.bytes).toBeGreaterThan(3 << 20);
    await using late = run('cp /proc/self/status "$1/other"');
    expect((await late.exited).code).not.toBe(0);
    expect(late.stderr).toContain("No space left");
  }
  writeFileSync(disk.outside("third"), "room again");
  expect(statSync(disk.outside("third")).size).toBe(10);
});

test("a false clock moves the wall clock of a running process, and not its monotonic one", async () => {
  using clock = await falseClock();
  clock.shift(7_200);
  const script = `
    const say = () => console.log(Math.round(Date.now() / 1000), Math.round(performance.now()));
    setInterval(say, 20);`;
  await using child = startChild({ command: [process.execPath, "-e", script], env: clock.env });
  const seconds = (line: string) => Number(line.split(" ")[0]);
  const now = Math.round(systemClock.now() / 1000);
  expect(Math.abs(seconds(await child.waitForLine(/^\d+ /)) - now - 7_200)).toBeLessThan(30);
  clock.shift(-now);
  const line = await child.waitForLine(/^-?\d{1,2} /);
  expect(Math.abs(seconds(line))).toBeLessThan(30);
  expect(Number(line.split(" ")[1])).toBeLessThan(10_000);
});
