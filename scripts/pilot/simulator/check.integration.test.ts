import { expect, test } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { simulate, simulatorPaths } from "./simulate.ts";

const check = new URL("./check.ts", import.meta.url).pathname;

async function runCheck(words: readonly string[]): Promise<{ code: number | null; output: string }> {
  await using child = startChild({ command: [process.execPath, check, ...words] });
  const { code } = await child.exited;
  return { code, output: child.stdout + child.stderr };
}

test("a topic filled by another program passes; one line too many or too few does not", async () => {
  using dir = tempDir();
  await using broker = await startBroker();
  await createTopic(broker.internalAddress, "driving");
  await simulate({ out: dir.path, cars: 10, lines: 2_000, fast: true, statusFiles: 0, garbage: 0.01 });
  const { log } = simulatorPaths(dir.path);
  const place = ["--out", dir.path, "--broker", broker.internalAddress, "--topic", "driving"];

  expect((await runCheck(place)).output).toContain("lines 0-1999 are missing");
  const kcat = ["kcat", "-P", "-b", broker.internalAddress, "-t", "driving", "-p", "0", "-l", log];
  await using produced = startChild({ command: kcat });
  expect((await produced.exited).code).toBe(0);
  const right = await runCheck(place);
  expect(right.output).toContain("driving: 2000 lines written, 2000 arrived, missing 0, repeated 0, out of order 0");
  expect(right.code).toBe(0);

  await using again = startChild({ command: ["sh", "-c", `tail -n 1 "${log}" | ${kcat.slice(0, -2).join(" ")}`] });
  expect((await again.exited).code).toBe(0);
  const wrong = await runCheck(place);
  expect(wrong.output).toContain("line 1999 is repeated");
  expect(wrong.code).toBe(1);
}, 60_000);

test("a folder of files is read as one; without a simulation there is nothing to check", async () => {
  using dir = tempDir();
  await simulate({ out: dir.path, cars: 5, lines: 0, fast: true, statusFiles: 2, reportsPerDay: 20 });
  const { spool } = simulatorPaths(dir.path);
  const place = ["--out", dir.path, "--files", spool, "--stream", "status"];
  expect(await runCheck(place)).toMatchObject({ code: 0 });
  appendFileSync(
    join(spool, "status-100-199.ndjson"),
    '{"line":7,"stream":"status","vehicle":"car-002","carLine":1,"x":1}',
  );
  const wrong = await runCheck(place);
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.output).toContain("line 7 is altered");
  expect(await runCheck(["--out", join(dir.path, "nowhere"), "--files", spool])).toMatchObject({ code: 2 });
}, 30_000);
