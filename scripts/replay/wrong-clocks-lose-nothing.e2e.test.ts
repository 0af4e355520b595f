import { expect, test } from "bun:test";
import { systemClock } from "../../shared/clock/clock.ts";
import { until } from "../../shared/testing/until.ts";
import { createTopic, topicOffsets } from "../drivers/kafka/topic.ts";
import { falseClock } from "./world/false-clock.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker({
  properties: {
    "log.initial.task.delay.ms": 500,
    "log.retention.check.interval.ms": 500,
    "log.segment.delete.delay.ms": 100,
  },
});
const hour = 3_600;

test("a clock that stands in 1970 and is set right later sheds nothing, with a TTL set", async () => {
  using clock = await falseClock();
  clock.shift(-systemClock.now() / 1000 + 60);
  await using world = await startWorld({
    broker: broker(),
    edge: { env: clock.env },
    changes: { channel: { ttl: "1h" } },
  });
  const { edge, log } = world;
  await broker().stop();
  await edge.start();
  log.write(5_000);
  await edge.hasRead(5_000);
  clock.shift(0);
  log.write(5_000);
  await edge.hasRead(10_000);
  await edge.kill();
  await edge.start();
  await broker().start();
  await edge.hasSettled(10_000, 30_000);
  expect((await edge.book()).shed).toBe(0);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

for (const type of ["LogAppendTime", "CreateTime"]) {
  test(`a clock two hours ahead: all lines arrive (${type})`, async () => {
    using clock = await falseClock();
    clock.shift(2 * hour);
    await using world = await startWorld({
      broker: broker(),
      topic: { config: { "message.timestamp.type": type } },
      edge: { env: clock.env },
    });
    const { edge, log } = world;
    await edge.start();
    log.write(5_000);
    await edge.hasSettled(5_000);
    clock.shift(0);
    log.write(5_000);
    await edge.hasSettled(10_000);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);

  test(`lines of an outage longer than the topic's retention are not deleted on arrival (${type})`, async () => {
    using clock = await falseClock();
    // Read three hours ago, as far as anybody can tell; the topic keeps one hour, in small segments.
    clock.shift(-3 * hour);
    await using world = await startWorld({
      broker: broker(),
      topic: {
        config: { "message.timestamp.type": type, "retention.ms": String(hour * 1000), "segment.bytes": "1048576" },
      },
      edge: { env: clock.env },
      changes: { channel: { compression: "none" } },
    });
    const { edge, log, topic } = world;
    await broker().stop();
    await edge.start();
    log.write(40_000);
    await edge.hasRead(40_000);
    clock.shift(0);
    await broker().start();
    await edge.hasSettled(40_000, 30_000);
    await retentionHasRun(topic);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}

/** Retention works on all topics in one turn: when it has deleted what is old in another topic, it has looked at ours. */
async function retentionHasRun(topic: string): Promise<void> {
  const canary = `${topic}-canary`;
  const address = broker().internalAddress;
  await createTopic(address, canary, { config: { "message.timestamp.type": "LogAppendTime", "retention.ms": "1" } });
  const kcat = Bun.spawn(["kcat", "-P", "-b", address, "-t", canary, "-p", "0"], { stdin: "pipe" });
  kcat.stdin.write("old at once\n");
  await kcat.stdin.end();
  await kcat.exited;
  await until(
    "retention to have deleted what is old",
    async () => (await topicOffsets(address, canary))[0]?.low ?? 0,
    (low) => low > 0,
    { withinMs: 20_000, everyMs: 200 },
  );
}
