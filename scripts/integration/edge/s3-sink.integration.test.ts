/** The S3 sink against a real server: away, killed, and the edge killed with -9; every line stands in one object, once. */
import { afterAll, test as always, beforeAll, expect } from "bun:test";
import { BucketServer, hasBucketServer } from "../../drivers/storage/bucket-server.ts";
import { StoreWorld } from "./store-world.ts";

const test = hasBucketServer() ? always : always.skip;
if (!hasBucketServer()) console.log("the S3 sink is not tried: versitygw needs Go (golang) to be built once");

let server: BucketServer;
beforeAll(async () => {
  if (!hasBucketServer()) return;
  server = await BucketServer.open();
  // The first time it is built, which takes a busy machine some minutes.
}, 720_000);
afterAll(() => server?.[Symbol.asyncDispose]());

const sink = ({ bucket, endpoint, accessKeyId, secretAccessKey }: BucketServer, more: string) =>
  `sinks: { s3: { type: s3, channel: main, bucket: ${bucket}, endpoint: "${endpoint}", accessKeyId: ${accessKeyId}, secretAccessKey: ${secretAccessKey}, ${more} } }`;

function linesBelow(prefix: string): string[] {
  const found = [...server.objects()].filter(([key]) => key.startsWith(prefix)).map(([, bytes]) => bytes.toString());
  return found.flatMap((text) => text.trimEnd().split("\n"));
}

test("down for a while, restarted, the edge killed: every line once", async () => {
  await using world = await StoreWorld.open(sink(server, 'prefix: "a/", rollInterval: 500ms, timeout: 5s'));
  world.start();
  world.write(3_000);
  await world.drained();
  await server.kill();
  world.write(2_000);
  await Bun.sleep(1_500);
  await world.kill();
  world.start();
  world.write(1_000);
  await Bun.sleep(1_500);
  await server.start();
  for (let kills = 0; kills < 4; kills++) {
    world.write(500);
    await Bun.sleep(400 + kills * 300);
    await world.kill();
    world.start();
  }
  await world.drained();
  expect(linesBelow("a/").toSorted()).toEqual([...world.lines].toSorted());
}, 120_000);

test("objects of many parts are whole", async () => {
  await using world = await StoreWorld.open(
    sink(server, 'prefix: "b/", rollInterval: 0ms, idleTimeout: 8s, rollSize: 0'),
  );
  const noise = "x".repeat(4_000);
  world.start();
  world.write(6_000, (seq) => `line ${seq} ${noise}`);
  await world.drained();
  const objects = [...server.objects()].filter(([key]) => key.startsWith("b/"));
  expect(objects).toHaveLength(1);
  expect(linesBelow("b/")).toEqual([...world.lines]);
}, 120_000);

test("wrong credentials hold the events, and are said", async () => {
  const wrong = sink(server, 'prefix: "c/", rollInterval: 200ms').replace(server.secretAccessKey, "guessed");
  await using world = await StoreWorld.open(wrong);
  world.start();
  world.write(10);
  await Bun.sleep(4_000);
  expect(await world.books()).toMatchObject({ held: 10, sent: 0 });
  expect(world.log).toContain("does not take these credentials");
}, 60_000);
