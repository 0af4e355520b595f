import { expect, test } from "bun:test";
import { truncateSync } from "node:fs";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
const rotations = 10;

test("renamed ten times while it is written: nothing lost, nothing twice", async () => {
  const random = testRandom("rotation-loses-nothing");
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 20_000);
    for (let rotation = 0; rotation < rotations; rotation++) {
      await pause(random.between(50, 400));
      // Every other writer goes on for a while in the file that has another name by now.
      if (rotation % 2 === 0) log.rename();
      else {
        log.renameUnnoticed();
        await pause(random.between(10, 150));
        log.reopen();
      }
    }
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("copied and truncated ten times between writes: nothing lost, nothing twice", async () => {
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  await edge.start();
  for (let rotation = 0; rotation < rotations; rotation++) {
    log.write(5_000);
    // What is truncated unread is lost by the writer's choice: this edge is given the time to read.
    await edge.hasRead(log.written);
    log.copyTruncate();
  }
  log.write(5_000);
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("copied and truncated while it is written: what the copy holds is not lost, nothing comes twice", async () => {
  const random = testRandom("rotation-loses-nothing");
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  await edge.start();
  const writer = new SteadyWriter(log, 10_000);
  for (let rotation = 0; rotation < rotations; rotation++) {
    await pause(random.between(50, 300));
    // One synchronous moment: the writer loses nothing between the copy and the truncation.
    log.copyTruncate();
  }
  await writer.stop();
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

for (const way of ["rename", "copyTruncate"] as const) {
  test(`rotated ten times while the edge is down (${way})`, async () => {
    await using world = await startWorld({ broker: broker() });
    const { edge, log } = world;
    await edge.start();
    log.write(2_000);
    await edge.hasSettled(log.written);
    log.write(1_000);
    await edge.kill();
    for (let rotation = 0; rotation < rotations; rotation++) {
      log[way]();
      log.write(1_000);
    }
    await edge.start();
    await edge.hasSettled(log.written);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}

for (const down of [false, true]) {
  test(`truncated and regrown past the offset${down ? " while the edge is down" : ""}`, async () => {
    await using world = await startWorld({ broker: broker() });
    const { edge, log } = world;
    await edge.start();
    log.write(500);
    await edge.hasSettled(500);
    if (down) await edge.kill();
    log.close();
    truncateSync(log.path);
    // More than was there before: only the content tells that it is another file now.
    log.write(2_000);
    if (down) await edge.start();
    await edge.hasSettled(log.written);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}
