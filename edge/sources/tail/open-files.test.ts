/** A process that can open nothing more: in one of its own, with a limit of its own. */
import { expect, test } from "bun:test";

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
