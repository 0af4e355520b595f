import { expect, test } from "bun:test";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();
const kills = 20;

for (const partition of ["agent", "key"]) {
  test(`killed at ${kills} random moments under load, nothing is lost or repeated (partition: ${partition})`, async () => {
    const random = testRandom("no-loss-on-kill");
    await using world = await startWorld({
      broker: broker(),
      topic: { partitions: 4 },
      changes: { sink: { partition } },
    });
    const { edge, log } = world;
    {
      await using _ = new SteadyWriter(log, 5_000);
      for (let kill = 0; kill < kills; kill++) {
        await edge.launch();
        // From the first moments of a start to the middle of steady work.
        await pause(random.between(20, 600));
        await edge.kill();
      }
    }
    await edge.start();
    await edge.hasSettled(log.written);
    // On a slow machine all of it may have been read before the broker ever said how many partitions there are: into one lane.
    {
      await using _ = new SteadyWriter(log, 5_000);
      await pause(300);
    }
    await edge.hasSettled(log.written);
    expect(await world.proof()).toMatchObject({ ...proven, partitions: partition === "key" ? 4 : 1 });
  }, 300_000);
}
