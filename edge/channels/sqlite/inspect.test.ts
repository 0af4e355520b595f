import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { describeBatch } from "../../testing/contracts/batches.ts";
import { openInspector } from "./inspect.ts";
import { batchAt, openWritten, spec, work } from "./testing/writer.ts";

test("beside a running agent it shows books, held batches and dead letters, and changes nothing", () => {
  using dir = tempDir();
  const store = openWritten(dir.path);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  store.commit(work(lane, 0, 6));
  const reader = channel.reader(lane);
  const first = reader.next();
  if (first !== undefined) reader.acknowledge(first, undefined);
  const second = reader.next();
  if (second !== undefined) reader.bury(second, "KAFKA_RECORD_REFUSED: too large");
  store.commit(work(lane, channel.nextSeq(lane), 1));

  const inspector = openInspector(dir.path);
  expect(inspector.file()).toMatchObject({ agent: "agent", epoch: store.epoch, version: 2 });
  const [summary] = inspector.channels();
  const stat = channel.stat();
  expect(summary).toMatchObject({ name: "main", events: stat.events, batches: 6, bytes: stat.bytes, deadBatches: 1 });
  const [marker, ...rest] = [...inspector.batches("main")];
  expect(marker).toMatchObject({ kind: "shed", first: second?.first, count: second?.count, problem: undefined });
  expect(rest.map(describeBatch)).toEqual(rest.map(({ first: at }) => describeBatch(batchAt(lane, at))));
  const [dead, ...none] = [...inspector.dead("main")];
  expect(none).toEqual([]);
  expect(dead).toMatchObject({ reason: "KAFKA_RECORD_REFUSED: too large", first: second?.first, problem: undefined });
  expect(describeBatch(dead)).toEqual(describeBatch(second));
  expect([...inspector.verify("main")]).toEqual([]);
  expect([...inspector.batches("other")]).toEqual([]);
  inspector.close();
  expect(reader.next()?.kind).toBe("shed");
  store.close();
});

test("verify names what is damaged", () => {
  using dir = tempDir();
  const store = openWritten(dir.path);
  const lane = store.channel("main").createLane(spec);
  store.commit(work(lane, 0, 6));
  const { epoch } = store;
  store.close();
  const victim = batchAt({ ...lane, epoch }, 0);
  const bytes = readFileSync(dir.file("channel.db"));
  const at = bytes.indexOf(victim.bytes.subarray(61, 100));
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(dir.file("channel.db"), bytes);
  const inspector = openInspector(dir.path);
  expect([...inspector.verify("main")]).toMatchObject([
    { first: 0, count: victim.count, what: "the stored bytes are not what was put" },
  ]);
  inspector.close();
});

test("says what is missing where there is no file", () => {
  using dir = tempDir();
  expect(() => openInspector(dir.path)).toThrow("there is no such file");
});
