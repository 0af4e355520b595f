import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

test("the device number of the log files changed with a reboot: nothing is read again, nothing is left out", async () => {
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  await edge.start();
  log.write(2_000);
  await edge.hasSettled(log.written);
  log.rename();
  log.write(2_000);
  await edge.hasSettled(log.written);
  await edge.stop();
  // As mount order and device mapper have it: the same files, under another device.
  using channel = new Database(join(world.dataDir, "channel.db"));
  const change = "update state set value = json_set(value, '$.device', '64999') where what = 'position'";
  expect(channel.run(change).changes).toBeGreaterThan(0);
  channel.close();
  log.write(2_000);
  await edge.start();
  await edge.hasSettled(log.written);
  log.rename();
  log.write(2_000);
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
