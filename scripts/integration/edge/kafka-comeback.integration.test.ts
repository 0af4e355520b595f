/**
 * How soon the first batch leaves after a broker's return: outages of a real broker, long enough for lanes to be at their
 * longest patience. `OUTAGES=20` measures; the default is short.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { runLane } from "../../../edge/engine/run-lane.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { soonMs } from "../../../shared/testing/soon.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { brokerAnswers } from "../../drivers/kafka/probe.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { RealWorld } from "./real-world.ts";

const outages = Number(process.env.OUTAGES ?? 3);

let broker: Broker;
beforeAll(async () => {
  broker = await startBroker();
}, 90_000);
afterAll(() => broker[Symbol.asyncDispose]());

test(
  `after each of ${outages} outages the first batch is in Kafka within a second`,
  async () => {
    await createTopic(broker.internalAddress, "comeback", {});
    using world = new RealWorld("comeback", { brokers: [broker.address] });
    const stop = new AbortController();
    const wait = () => Bun.sleep(5);
    const running = runLane(
      {
        reader: world.reader,
        delivery: world.lane,
        givenUp: stop.signal,
        wait,
        mayStart: () => true,
        drained: () => {},
        ended: () => {},
        taken: () => {},
        changed: () => {},
        random: seededRandom(7),
        report: () => {},
        sinkName: "kafka",
      },
      stop.signal,
    );
    const port = Number(broker.internalAddress.split(":").at(-1));
    const tookMs: number[] = [];
    for (let outage = 0; outage < outages; outage++) {
      world.put(5);
      await until(
        "the batch to be sent",
        () => world.reader.heldCount,
        (held) => held === 0,
        { withinMs: 30_000 },
      );
      await broker.kill();
      world.put(5);
      // Longer than it takes the waits to grow to their longest.
      await Bun.sleep(7_000 + (outage % 5) * 900);
      const starting = broker.start();
      await until("the broker to answer", () => brokerAnswers(port), Boolean, { everyMs: 20, withinMs: 60_000 });
      const backMs = performance.now();
      await until(
        "the batch to be sent",
        () => world.reader.heldCount,
        (held) => held === 0,
        { everyMs: 5, withinMs: 30_000 },
      );
      tookMs.push(performance.now() - backMs);
      expect(tookMs.at(-1)).toBeLessThan(soonMs(1_000));
      await starting;
    }
    stop.abort();
    world.put(1);
    await running;
    const sorted = tookMs.map(Math.round).toSorted((a, b) => a - b);
    console.log(`first batch after the broker's return, ms: ${sorted.join(" ")}`);
  },
  outages * 60_000 + 60_000,
);
