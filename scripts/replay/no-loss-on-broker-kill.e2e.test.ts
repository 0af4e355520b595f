import { expect, test } from "bun:test";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
const kills = 2;

test("the broker killed with -9 under load loses and repeats nothing", async () => {
  const random = testRandom("no-loss-on-broker-kill");
  await using world = await startWorld({
    broker: broker(),
    topic: { partitions: 4 },
    changes: { sink: { partition: "key" } },
  });
  const { edge, log } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 5_000);
    for (let kill = 0; kill < kills; kill++) {
      const before = (await edge.book()).sent;
      await edge.wait("lines to be sent again", ({ books }) => (books[0]?.sent ?? 0) > before + 1_000);
      await pause(random.between(0, 100));
      await broker().kill();
      await broker().start();
    }
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
