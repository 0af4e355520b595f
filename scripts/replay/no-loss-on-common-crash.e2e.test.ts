import { expect, test } from "bun:test";
import { startBrokerOnLine } from "../drivers/faults/broker-on-line.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { proven, startWorld } from "./world/world.ts";
import { allowToWrite, writeOnlyBroker, writeOnlySasl } from "./world/write-only.ts";

const produce = 0;
const rounds = 2;

const cases = [
  { name: "partition: agent", partition: "agent", mayRead: true },
  { name: "partition: key", partition: "key", mayRead: true },
  // Nobody to ask what is there: the answers to what is sent again must tell.
  { name: "the edge may only write", partition: "agent", mayRead: false },
];

for (const { name, partition, mayRead } of cases) {
  test(`edge and broker killed together with acknowledgements outstanding (${name})`, async () => {
    const random = testRandom("no-loss-on-common-crash");
    await using both = await startBrokerOnLine(mayRead ? {} : writeOnlyBroker);
    const { broker, line: proxy } = both;
    // Answers are a while on their way: at any moment, the broker has batches that the edge knows nothing of.
    proxy.setLink({ latencyMs: 30 });
    await using world = await startWorld({
      broker,
      topic: { partitions: 4 },
      changes: { sink: { partition, ...(mayRead ? {} : { sasl: writeOnlySasl }) } },
      central: { brokers: broker.internalAddress },
    });
    const { edge, log } = world;
    if (!mayRead) await allowToWrite(broker.internalAddress, world.topic);
    {
      await using _ = new SteadyWriter(log, 4_000);
      for (let round = 0; round < rounds; round++) {
        await edge.start();
        const before = (await edge.book()).sent;
        await edge.wait("lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > before + 500);
        await pause(random.between(0, 200));
        await proxy.swallowNextAnswer(produce);
        const deaths = [() => edge.kill(), () => broker.kill()];
        if (round % 2 === 1) deaths.reverse();
        await Promise.all(deaths.map((die) => die()));
        await broker.start();
      }
    }
    await edge.start();
    await edge.hasSettled(log.written);
    expect(proxy.happened.swallow).toBe(rounds);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}
