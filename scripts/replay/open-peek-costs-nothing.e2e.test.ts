import { expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { edgeBinary } from "../drivers/edge/edge-binary.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
const MiB = 1 << 20;
/** 100 vehicles, a line a second each, for an hour. */
const hour = 360_000;

test("`channel peek` left open for an hour's worth of traffic neither stops the flow nor lets the file grow", async () => {
  await using world = await startWorld({ broker: broker(), changes: { channel: { compression: "none" } } });
  const { edge, log } = world;
  await edge.start();
  // Something to peek at: Kafka is away for a moment.
  await broker().stop();
  log.write(20_000);
  await edge.hasRead(log.written);
  // Somebody looks, and goes for lunch: its output is not read any further than a pipe holds.
  await using peek = startChild({
    command: [
      "sh",
      "-c",
      '"$0" channel peek --config "$1" main | (head -n 1; exec sleep 600)',
      await edgeBinary(),
      world.file("tailgate.yaml"),
    ],
  });
  await peek.waitForLine(/./);
  await broker().start();
  let largest = 0;
  while (log.written < hour) {
    log.write(20_000);
    // This is the promise's bound: the flow goes on. The whole takes as long as the machine needs.
    await edge.hasSettled(log.written, 30_000);
    largest = Math.max(largest, bytesIn(world.dataDir));
  }
  expect(peek.exit).toBeUndefined();
  // 72 MB have passed: the file holds a batch or two, the reserve is 32 MiB, the write-ahead log is checkpointed at 16.
  expect(largest).toBeLessThan(100 * MiB);
  expect(await world.proof()).toMatchObject(proven);
}, 600_000);

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
