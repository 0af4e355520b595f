/** The HDFS sink against a real NameNode and DataNode: killed and restarted, the edge killed with -9; every line in one file, once. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Hdfs } from "../../drivers/storage/hdfs.ts";
import { StoreWorld } from "./store-world.ts";

let hdfs: Hdfs;
beforeAll(async () => {
  hdfs = await Hdfs.open();
}, 300_000);
afterAll(() => hdfs?.[Symbol.asyncDispose]());

const sink = (path: string, more: string) =>
  `sinks: { hdfs: { type: hdfs, channel: main, url: "${hdfs.url}", path: ${path}, user: edge, timeout: 20s, ${more} } }`;

async function linesBelow(folder: string): Promise<string[]> {
  return [...(await hdfs.files(folder)).values()].flatMap((bytes) => bytes.toString().trimEnd().split("\n"));
}

test("the NameNode killed and restarted, the edge killed: every line once, and nothing is left in use", async () => {
  await using world = await StoreWorld.open(sink("/a/%Y-%m-%d", "rollInterval: 500ms"));
  world.start();
  world.write(3_000);
  await world.drained();
  await hdfs.killNameNode();
  world.write(1_000);
  await Bun.sleep(1_500);
  await world.kill();
  world.start();
  await hdfs.startNameNode();
  for (let kills = 0; kills < 3; kills++) {
    world.write(500);
    await Bun.sleep(500 + kills * 400);
    await world.kill();
    world.start();
  }
  await world.drained(90_000);
  expect([...(await hdfs.files("/a")).keys()].filter((path) => path.endsWith(".tmp"))).toEqual([]);
  expect((await linesBelow("/a")).toSorted()).toEqual([...world.lines].toSorted());
}, 240_000);

test("a large file is one, though the edge is killed while it is written", async () => {
  await using world = await StoreWorld.open(sink("/b", "rollInterval: 0ms, idleTimeout: 8s, rollSize: 0"));
  const noise = "x".repeat(4_000);
  world.start();
  world.write(5_000, (seq) => `line ${seq} ${noise}`);
  await Bun.sleep(3_000);
  await world.kill();
  world.start();
  await world.drained(120_000);
  expect((await hdfs.files("/b")).size).toBe(1);
  expect(await linesBelow("/b")).toEqual([...world.lines]);
}, 240_000);

test.each([
  ["sequence", "writeFormat: text", (text: string) => text.split("\n").map((line) => line.split("\t")[1] ?? "")],
  ["avro", "compression: gzip", (text: string) => text.split("\n").map((line) => String(JSON.parse(line).body))],
  ["text", "compression: gzip", (text: string) => text.split("\n")],
] as const)(
  "Hadoop reads what is written as %s, %s",
  async (fileType, more, read) => {
    const folder = `/formats-${fileType}`;
    await using world = await StoreWorld.open(sink(folder, `rollInterval: 500ms, fileType: ${fileType}, ${more}`));
    world.start();
    world.write(300);
    await world.drained();
    const paths = [...(await hdfs.files(folder)).keys()];
    const texts = await Promise.all(paths.map((path) => hdfs.textOf(path)));
    expect(texts.flatMap((text) => read(text.trimEnd())).toSorted()).toEqual([...world.lines].toSorted());
  },
  120_000,
);
