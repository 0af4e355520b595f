import { afterEach, expect, test } from "bun:test";
import { bytesOfText } from "../../../shared/kafka/record-batch/byte-text.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { postBatches } from "../../testing/fakes/posting-sink.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

async function started(work: CommittedWork, dir: TempDir): Promise<{ run: RunningSource; url: string }> {
  const config = { address: "127.0.0.1:0", format: "tailgate" };
  const run = runSource({ definition, config, dataDir: dir.path, work });
  ended.push(async () => void (await run.crash()));
  const port = await until("the source to listen", () => Number(run.source.status().port));
  return { run, url: `http://127.0.0.1:${port}/` };
}

async function post(url: string, events: readonly unknown[], asArray = false): Promise<number> {
  const body = asArray ? JSON.stringify(events) : events.map((event) => `${JSON.stringify(event)}\n`).join("");
  return (await fetch(url, { method: "POST", body })).status;
}

const event = (seq: number, lane = "gw-1/e1/driving.0") => ({
  id: `${lane}/${seq}`,
  time: 1_700_000_000_000,
  body: `line ${seq}`,
});
const lines = (...numbers: readonly number[]) => numbers.map((seq) => `line ${seq}`);

test("an event that is here already is left out, whichever request brings it, and counted", async () => {
  using dir = tempDir();
  const { run, url } = await started(new CommittedWork(), dir);
  expect(await post(url, [event(0), event(1)])).toBe(200);
  expect(await post(url, [event(0), event(1)], true)).toBe(200);
  expect(await post(url, [event(1), event(2), event(5)])).toBe(200);
  expect(run.intake.lines).toEqual(lines(0, 1, 2, 5));
  expect(run.intake.counter("repeats_left_out")).toBe(3);
  // Another lane, another epoch, another agent: numbers of their own.
  for (const lane of ["gw-1/e1/driving.1", "gw-1/e2/driving.0", "gw-2/e1/driving.0"]) await post(url, [event(0, lane)]);
  expect(run.intake.lines).toEqual([...lines(0, 1, 2, 5), ...lines(0, 0, 0)]);
});

test("killed: what was stored is not taken again, what was not is", async () => {
  using dir = tempDir();
  const first = await started(new CommittedWork(), dir);
  await post(first.url, [event(0), event(1)]);
  first.run.intake.holdCommits();
  const unanswered = post(first.url, [event(2), event(3)]).catch(() => 0);
  await until("them to be appended", () => first.run.intake.pending.length === 2);
  const work = await first.run.crash();
  await unanswered;
  const second = await started(work, dir);
  expect(await post(second.url, [event(0), event(1)])).toBe(200);
  expect(await post(second.url, [event(2), event(3), event(4)])).toBe(200);
  expect(work.lines).toEqual(lines(0, 1, 2, 3, 4));
});

test("a repeat that comes while the first is not stored yet is answered when it is", async () => {
  using dir = tempDir();
  const { run, url } = await started(new CommittedWork(), dir);
  run.intake.holdCommits();
  let answers = 0;
  const both = [1, 2].map(() => post(url, [event(0)]).then((status) => (answers += status === 200 ? 1 : 0)));
  await until("one to be appended", () => run.intake.pending.length === 1);
  expect([answers, run.intake.work.lines]).toEqual([0, []]);
  run.intake.unblock();
  await Promise.all(both);
  expect([answers, run.intake.work.lines]).toEqual([2, lines(0)]);
});

test("our own sink's events come as they are: bytes, key, time, headers, without the identity that they had", async () => {
  using dir = tempDir();
  const { run, url } = await started(new CommittedWork(), dir);
  const reader = new ArrayReader(testLane("driving"));
  await postBatches(url, reader, testBatches(reader.lane, 2, 10));
  expect(run.intake.lines).toEqual(lines(...Array.from({ length: 20 }, (_, seq) => seq)));
  expect(run.intake.events.every(({ headers = {} }) => !("tg" in headers))).toBe(true);
  await post(url, [{ id: "a/e/s.0/0", time: 7, key: "KA-1", headers: { area: "north", tg: "x" }, bodyBase64: "AP/+" }]);
  expect(run.intake.events.at(-1)).toMatchObject({
    body: "\u0000\u00ff\u00fe",
    key: "KA-1",
    headers: { area: "north" },
  });
  // A key of bytes that are no text comes back as these bytes.
  await post(url, [{ id: "a/e/s.0/1", time: 7, keyBase64: "gAE=", headers: {}, body: "x" }]);
  expect([...bytesOfText(run.intake.events.at(-1)?.key ?? "")]).toEqual([0x80, 1]);
});

test("what is no event of an agent is refused with its place, and nothing of the request is taken", async () => {
  using dir = tempDir();
  const { run, url } = await started(new CommittedWork(), dir);
  for (const wrong of [
    {},
    { ...event(1), id: "no id" },
    { ...event(1), id: "a/b/c.0/x" },
    { ...event(1), time: "now" },
    7,
  ]) {
    const body = `${JSON.stringify(event(0))}\n${JSON.stringify(wrong)}\n`;
    const response = await fetch(url, { method: "POST", body });
    expect([response.status, Object(await response.json()).index]).toEqual([400, 1]);
  }
  expect((await fetch(url, { method: "POST", body: "{ no json" })).status).toBe(400);
  expect(run.intake.lines).toEqual([]);
});
