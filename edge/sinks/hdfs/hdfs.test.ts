import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { tryNext } from "../../testing/fakes/deliver-next.ts";
import { testBatch, testBatches, testLane, testValue } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";
import { type Answer, FakeHdfs, remote } from "./testing/fake-hdfs.ts";

const never = new AbortController().signal;

async function laneOf(
  hdfs: FakeHdfs,
  config: Readonly<Record<string, unknown>> = {},
  reader = new ArrayReader(testLane("driving")),
) {
  const reading = definition.read({ ...hdfs.config, ...config });
  if (!reading.ok) throw new Error(`the config is wrong: ${JSON.stringify(reading.issues)}`);
  const sink = await reading.value.create(fakeContext({ clock: systemClock }));
  const lane = sink.lane(reader);
  const step = () => tryNext(lane, reader);
  return { sink, reader, step };
}

const file = "/flume/driving/2023-11-14/events.gw-1.e1.driving.0.000000000000000-000000000000005.log";
const lines = "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\n";

test.each([false, true])(
  "a file is written under a name of its own and then renamed (old NameNode: %p)",
  async (old) => {
    await using hdfs = new FakeHdfs();
    hdfs.old = old;
    const { reader, step } = await laneOf(hdfs);
    reader.put(...testBatches(reader.lane, 3, 2));
    while ((await step()) !== "idle");
    expect(hdfs.text).toEqual({ [file]: lines });
    expect(hdfs.operations).toEqual(["CREATE", "GETFILESTATUS", "RENAME", "GETFILESTATUS"]);
    expect([...hdfs.users]).toEqual(["edge"]);
  },
);

test("a large file is appended to, piece by piece; when an answer is lost it is written anew", async () => {
  await using hdfs = new FakeHdfs();
  const { reader, step } = await laneOf(hdfs, { rollCount: 30 });
  const values = Array.from({ length: 30 }, (_, first) => testValue(first, 500_000));
  reader.put(...values.map((_, first) => testBatch(reader.lane, { first, count: 1, valueBytes: 500_000 })));
  let appends = 0;
  const losing: Answer = (url) => {
    if (!url.pathname.startsWith("/data") || url.searchParams.get("op") !== "APPEND" || ++appends !== 1)
      return undefined;
    const path = decodeURIComponent(url.pathname.replace("/data", ""));
    hdfs.files.set(path, Buffer.concat([hdfs.files.get(path) ?? Buffer.alloc(0), Buffer.from("half")]));
    return new Response("lost", { status: 502 });
  };
  hdfs.answers = Array.from({ length: 40 }, () => losing);
  expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
  while ((await step()) !== "idle");
  const whole = Buffer.concat(values.flatMap((value) => [value, Buffer.from("\n")]));
  expect([...hdfs.files.values()].map((bytes) => bytes.equals(whole))).toEqual([true]);
  expect(hdfs.operations.filter((each) => each === "APPEND").length).toBeGreaterThan(1);
});

test("killed before the rename: what was left in use is written over, nothing stays and nothing is there twice", async () => {
  await using hdfs = new FakeHdfs();
  const first = await laneOf(hdfs);
  first.reader.put(...testBatches(first.reader.lane, 3, 2));
  hdfs.answers = [undefined, undefined, undefined, () => remote("RetriableException")];
  expect(await first.step()).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
  expect(Object.keys(hdfs.text)).toEqual([`${file}.tmp`]);
  first.reader.crash();
  const next = await laneOf(hdfs, {}, first.reader);
  while ((await next.step()) !== "idle");
  expect(hdfs.text).toEqual({ [file]: lines });
});

test("killed after the rename: the file takes its own place", async () => {
  await using hdfs = new FakeHdfs();
  const first = await laneOf(hdfs);
  first.reader.put(...testBatches(first.reader.lane, 3, 2));
  await first.step();
  first.reader.crash();
  const next = await laneOf(hdfs, {}, first.reader);
  while ((await next.step()) !== "idle");
  expect(hdfs.text).toEqual({ [file]: lines });
});

describe("hostile peers", () => {
  test.each([
    ["AccessControlException", 403, "EDGE_DESTINATION_AUTH"],
    ["SecurityException", 401, "EDGE_DESTINATION_AUTH"],
    ["SafeModeException", 403, "EDGE_DESTINATION_AWAY"],
    ["NSQuotaExceededException", 403, "EDGE_DESTINATION_AWAY"],
    ["IllegalArgumentException", 400, "EDGE_DESTINATION_AWAY"],
  ])("%s holds the events: %s %s", async (exception, status, code) => {
    await using hdfs = new FakeHdfs();
    const { reader, step } = await laneOf(hdfs);
    reader.put(...testBatches(reader.lane, 1, 2));
    hdfs.answers = [() => remote(exception, status)];
    expect(await step()).toMatchObject({ code, severity: "transient" });
    expect(await step()).toBe("delivered");
  });

  test.each([
    ["a page", () => new Response("<html>", { status: 200 })],
    ["a place that is none", () => Response.json({ Location: "file:///etc/passwd" })],
    ["nothing", () => new Response("")],
  ])("a NameNode that answers %s is none", async (_, answer) => {
    await using hdfs = new FakeHdfs();
    const { reader, step } = await laneOf(hdfs);
    reader.put(...testBatches(reader.lane, 1, 2));
    hdfs.answers = [answer];
    expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_WRONG", severity: "transient" });
  });

  test("a file that is not what was sent is written anew", async () => {
    await using hdfs = new FakeHdfs();
    const { reader, step } = await laneOf(hdfs);
    reader.put(...testBatches(reader.lane, 1, 2));
    hdfs.answers = [undefined, () => new Response("", { status: 201 })];
    expect(await step()).toMatchObject({ message: expect.stringContaining("it is not there, 14 were sent") });
    expect(await step()).toBe("delivered");
  });

  test("a NameNode on standby, or gone: the next one is asked", async () => {
    await using hdfs = new FakeHdfs();
    await using standby = new FakeHdfs();
    standby.answers = Array.from({ length: 5 }, () => () => remote("StandbyException"));
    const { reader, step } = await laneOf(hdfs, { url: ["http://127.0.0.1:1", standby.address, hdfs.address] });
    reader.put(...testBatches(reader.lane, 1, 2));
    expect(await step()).toMatchObject({ severity: "transient" });
    expect(await step()).toMatchObject({ message: expect.stringContaining("StandbyException") });
    expect(await step()).toBe("delivered");
  });
});

test("a header that is not there leads to no other folder", async () => {
  await using hdfs = new FakeHdfs();
  const { reader, step } = await laneOf(hdfs, { path: "/flume/%{car}" });
  reader.put(...testBatches(reader.lane, 1, 1));
  await step();
  expect(Object.keys(hdfs.text)[0]).toStartWith("/flume/unknown/events.");
});

test("a probe asks the NameNode, and leaves nothing", async () => {
  await using hdfs = new FakeHdfs();
  const { sink } = await laneOf(hdfs);
  expect(await sink.probe?.(never)).toMatchObject([{ says: expect.any(String) }]);
  hdfs.answers = [() => remote("AccessControlException")];
  expect(await sink.probe?.(never)).toMatchObject([{ error: { code: "EDGE_DESTINATION_AUTH" } }]);
  expect(hdfs.files.size).toBe(0);
});

test("the config: what does not go together is said", async () => {
  await using hdfs = new FakeHdfs();
  const wrong = (changes: Readonly<Record<string, unknown>>) => mistakes(definition, { ...hdfs.config, ...changes });
  expect(wrong({ path: "relative" })).toEqual(["path: not a path from the root: begin it with /"]);
  expect(wrong({ inUseSuffix: "" })).toHaveLength(1);
  expect(wrong({ fileType: "sequence", compression: "gzip" })).toHaveLength(1);
  expect(wrong({ filePrefix: "a/b" })).toHaveLength(1);
});
