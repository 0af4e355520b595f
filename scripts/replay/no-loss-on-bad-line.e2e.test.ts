import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { startBrokerOnLine } from "../drivers/faults/broker-on-line.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { proven, startWorld } from "./world/world.ts";

const produce = 0;

test("a line that resets, cuts requests, loses answers and falls silent: nothing lost, nothing twice", async () => {
  const random = testRandom("no-loss-on-bad-line");
  await using both = await startBrokerOnLine({}, Math.floor(random.next() * 2 ** 31));
  const { broker, line: proxy } = both;
  await using world = await startWorld({
    broker,
    topic: { partitions: 4 },
    changes: { sink: { partition: "key", requestTimeout: "1s" } },
    central: { brokers: broker.internalAddress },
  });
  const { edge, log } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 3_000);
    await edge.wait("lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > 1_000);
    proxy.setLink({ latencyMs: 5, jitterMs: 20 });
    proxy.setChaos({ apiKey: produce, reset: 0.05, cut: 0.05, swallow: 0.1 });
    await pause(4_000);
    // Half open: nothing fails, nothing answers, until the edge's own deadline.
    proxy.blackhole();
    await pause(2_500);
    proxy.heal();
    await edge.kill();
    await edge.start();
    // How many requests there are is the edge's choice: it goes on until each fault has met some.
    const rarest = () => Math.min(proxy.happened.reset, proxy.happened.cut, proxy.happened.swallow);
    await until("each fault to happen twice", rarest, (times) => times >= 2, { withinMs: 40_000 });
    proxy.setChaos(undefined);
    proxy.setLink();
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
