import { expect, test } from "bun:test";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

test("stopped with SIGTERM and started again under load: clean ends, nothing lost, nothing twice", async () => {
  const random = testRandom("stop-and-reload-lose-nothing");
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  {
    await using _ = new SteadyWriter(log, 5_000);
    for (let stop = 0; stop < 5; stop++) {
      await edge.start();
      await pause(random.between(0, 400));
      expect(await edge.stop()).toEqual({ code: 0, signal: null });
    }
  }
  await edge.start();
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("reloaded with SIGHUP under load, right configs and a wrong one: nothing lost, nothing twice", async () => {
  const random = testRandom("stop-and-reload-lose-nothing");
  await using world = await startWorld({ broker: broker() });
  const { edge, log } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 5_000);
    for (let reload = 0; reload < 5; reload++) {
      await pause(random.between(50, 400));
      edge.reload({ top: { linger: `${10 + reload}ms` } });
      await edge.wait("the new config to be in force", () => edge.said("config_reloaded") === reload + 1);
    }
    edge.reload({ top: { lingerr: "1s" } });
    await edge.wait("the wrong config to be refused", () => edge.said('unknown key "lingerr"') > 0);
    const before = (await edge.book()).sent;
    await edge.wait("the old one to be in force", ({ books }) => (books[0]?.sent ?? 0) > before + 1_000);
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
