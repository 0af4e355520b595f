/** A process that can open nothing more: in one of its own, with a limit of its own. */
import { expect, test } from "bun:test";
import { z } from "zod";

const script = `
  import { appendFileSync, closeSync, openSync, writeFileSync } from "node:fs";
  import { openCount } from "${import.meta.dir}/open-count.ts";
  import { until } from "${import.meta.dir}/../../../shared/testing/until.ts";
  import { said, tailWorld } from "${import.meta.dir}/testing/tail-world.ts";
  // Polled so seldom that only a look soon after finds what waited.
  const w = tailWorld({ pollInterval: "1h", openFilesMax: 1 });
  const log = (index) => w.dir.file(index + ".log");
  for (let index = 0; index < 20; index++) writeFileSync(log(index), "first line of " + index + "\\n");
  const run = w.start();
  await until("the first lines", () => run.intake.lines.length === 20);
  await until("the others are closed", () => openCount.now <= 1);
  const hoard = [];
  const takeAll = () => { try { for (;;) hoard.push(openSync("/dev/null", "r")); } catch {} };
  takeAll();
  // Nobody else runs before all are taken again.
  closeSync(hoard.pop());
  for (let index = 0; index < 20; index++) appendFileSync(log(index), "second line of " + index + "\\n");
  writeFileSync(log("new"), "a new log\\n");
  takeAll();
  await until("it waits", () => run.source.unready?.() !== undefined);
  const starved = {
    status: run.source.status().waitingCount,
    unready: run.source.unready(),
    said: said(run, "tail_no_descriptor").length,
    leftOut: said(run, "tail_left_out").length,
  };
  for (const fd of hoard) closeSync(fd);
  await until("all lines", () => run.intake.lines.length >= 41, Boolean, { withinMs: 20_000 });
  const ready = await until("it is ready", () => run.source.unready() === undefined);
  await run.stop();
  console.log(JSON.stringify({ starved, ready, lines: run.intake.lines.length, once: new Set(run.intake.lines).size }));
  process.exit(0);
`;

test("for want of descriptors files wait, which is said once and shown, and are read as soon as there are some", async () => {
  const command = `ulimit -n 128; exec "${process.execPath}" -e '${script}'`;
  const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
  const shown: unknown = JSON.parse(await new Response(child.stdout).text());
  expect(shown).toMatchObject({ lines: 41, once: 41, starved: { leftOut: 0 } });
  // One word for all that wait: the log itself bounds how often.
  expect(shown).toMatchObject({ starved: { unready: expect.stringContaining("the process can open nothing more") } });
});

const removed = `
  import { rmSync, writeFileSync } from "node:fs";
  import { openCount } from "${import.meta.dir}/open-count.ts";
  import { until } from "${import.meta.dir}/../../../shared/testing/until.ts";
  import { said, tailWorld } from "${import.meta.dir}/testing/tail-world.ts";
  const w = tailWorld({ pollInterval: 20 });
  const run = w.start();
  await until("it runs", () => run.isLoaded);
  run.intake.block();
  let open = 0;
  for (let index = 100; index < 200; index++) {
    const path = w.dir.file(index + ".log");
    writeFileSync(path, "line " + index + "\\n");
    await until("it is met", () => said(run, "tail_file_found").length > index - 100);
    rmSync(path);
    open = Math.max(open, openCount.now);
  }
  const lost = () => said(run, "tail_lost_at_source").reduce((sum, { fields }) => sum + fields.bytes, 0);
  run.intake.unblock();
  await until("all are read or counted", () => run.intake.lines.length + lost() / 9 >= 100);
  await until("they are let go of", () => openCount.now === 0);
  await run.stop();
  const { lines } = run.intake;
  console.log(JSON.stringify({ open, lines: lines.length, once: new Set(lines).size, lost: lost(), counted: run.intake.work.counter("lost_at_source") }));
  process.exit(0);
`;

test("removed logs that nobody takes hold half of the descriptors at most; what more of them is lost is counted", async () => {
  const command = `ulimit -n 96; exec "${process.execPath}" -e '${removed}'`;
  const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
  const { open, lines, once, lost, counted } = z
    .record(z.string(), z.int())
    .parse(JSON.parse(await new Response(child.stdout).text()));
  expect(open).toBeLessThanOrEqual(48 + 1);
  expect(lines).toBeGreaterThanOrEqual(40);
  expect(once).toBe(lines ?? 0);
  expect(lost).toBe((100 - (lines ?? 0)) * 9);
  expect(counted).toBe(lost ?? 0);
});
