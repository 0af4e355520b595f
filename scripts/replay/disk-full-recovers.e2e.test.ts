import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import type { Edge, EdgeStatus } from "../drivers/edge/edge.ts";
import { fillDisk } from "./world/filler.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { type SmallDisk, smallDisk } from "./world/small-disk.ts";
import { proven, startWorld, type World } from "./world/world.ts";

const broker = sharedBroker();
const MiB = 1 << 20;
/** What the edge holds back for itself (limits.reserveBytes). */
const reserveBytes = 32 * MiB;

/** A channel that may take all of the disk, with lines that stay as large as they are. */
function worldOn(disk: SmallDisk): Promise<World> {
  return startWorld({
    broker: broker(),
    lines: { lineBytes: 999 },
    dataDir: `${disk.path}/data`,
    edge: { wrap: disk.enter },
    changes: { channel: { capacity: "10GiB", freeDisk: "0B", compression: "none" } },
  });
}

test("a channel that fills its disk while Kafka is away drains without help when Kafka is back", async () => {
  await using disk = await smallDisk(96 * MiB);
  await using world = await worldOn(disk);
  const { edge, log } = world;
  await edge.start();
  await reserveIsWhole(world, disk);
  await broker().stop();
  log.write(100_000);
  const read = await stopsReading(edge);
  // Full: the log file is the buffer now.
  expect(read).toBeGreaterThan(20_000);
  expect(read).toBeLessThan(log.written);
  await broker().start();
  await edge.hasSettled(log.written, 40_000);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("a disk that another program has filled: what is held drains, and what comes then finds its room", async () => {
  await using disk = await smallDisk(160 * MiB);
  await using world = await worldOn(disk);
  const { edge, log } = world;
  await edge.start();
  await reserveIsWhole(world, disk);
  await broker().stop();
  log.write(20_000);
  await edge.hasRead(log.written);
  {
    using filler = fillDisk(disk.outside("filler"));
    expect(filler.bytes).toBeGreaterThan(10 * MiB);
    log.write(60_000);
    await stopsReading(edge);
    await broker().start();
    // The disk is still as full: what drains makes the room for what comes.
    await edge.hasSettled(log.written, 40_000);
  }
  log.write(1_000);
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("killed on a full disk, it starts on it", async () => {
  await using disk = await smallDisk(96 * MiB);
  await using world = await worldOn(disk);
  const { edge, log } = world;
  await edge.start();
  await reserveIsWhole(world, disk);
  await broker().stop();
  log.write(100_000);
  await stopsReading(edge);
  await edge.kill();
  await edge.start();
  await edge.kill();
  await broker().start();
  await edge.start();
  await edge.hasSettled(log.written, 40_000);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

/** A little traffic, with which the reserve grows to its full size, as it does in the first minute of an edge's life. */
async function reserveIsWhole({ edge, log }: World, disk: SmallDisk): Promise<void> {
  const path = disk.outside("data/channel.reserve");
  while ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < reserveBytes) {
    log.write(10);
    await edge.hasSettled(log.written);
  }
}

/** Waits until the edge has read nothing for a while though there is more; answers how much it has read. */
async function stopsReading(edge: Edge): Promise<number> {
  let read = -1;
  let sinceMs = performance.now();
  const still = ({ books }: EdgeStatus) => {
    const now = books[0]?.read ?? 0;
    if (now !== read) sinceMs = performance.now();
    read = now;
    return performance.now() - sinceMs > 1_500;
  };
  await edge.wait("the edge to stop reading", still, 40_000);
  return read;
}
