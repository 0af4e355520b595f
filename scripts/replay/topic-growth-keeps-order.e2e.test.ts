import { expect, test } from "bun:test";
import { startBrokerOnLine } from "../drivers/faults/broker-on-line.ts";
import { growTopic, readTopic } from "../drivers/kafka/topic.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { proven, startWorld } from "./world/world.ts";

const produce = 0;

test("a topic grown from 4 to 8 partitions under load: all lines once, each car's in order across its move", async () => {
  await using both = await startBrokerOnLine();
  const { broker, line: proxy } = both;
  await using world = await startWorld({
    broker,
    topic: { partitions: 4 },
    lines: { cars: 64 },
    changes: { sink: { partition: "key" } },
  });
  const { edge, log, topic } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 5_000);
    await edge.wait("lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > 2_000);
    await growTopic(broker.internalAddress, topic, 8);
    // A request that fails makes the edge ask anew, long before it would by itself (5 minutes, as other clients).
    await proxy.resetNextRequest(produce);
    await edge.wait("lanes of the grown topic", ({ sinks }) => (sinks.kafka?.lanes?.length ?? 0) >= 12, 30_000);
    const before = (await edge.book()).sent;
    await edge.wait("more lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > before + 5_000);
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject({ ...proven, partitions: 8 });
  expect(await carsOutOfOrder(broker.internalAddress, topic)).toEqual([]);
}, 300_000);

/** A car's lines in one partition. */
interface Stay {
  readonly first: number;
  last: number;
  readonly firstMs: number;
  lastMs: number;
}

/** Across partitions the broker's own time of appending tells: a car's later line must not have come before an earlier one. */
async function carsOutOfOrder(address: string, topic: string): Promise<string[]> {
  const staysOf = new Map<string, Map<number, Stay>>();
  await readTopic(address, topic, ({ partition, timestampMs, value }) => {
    const [, number, car] = /"n":(\d+),"car":"([^"]+)"/.exec(value?.toString() ?? "") ?? [];
    if (number === undefined || car === undefined) return;
    const stays = staysOf.get(car) ?? new Map<number, Stay>();
    staysOf.set(car, stays);
    const n = Number(number);
    const stay = stays.get(partition);
    if (stay === undefined) stays.set(partition, { first: n, last: n, firstMs: timestampMs, lastMs: timestampMs });
    else Object.assign(stay, { last: n, lastMs: timestampMs });
  });
  const wrong: string[] = [];
  let moves = 0;
  for (const [car, stays] of staysOf) {
    const inOrder = [...stays.values()].sort((a, b) => a.first - b.first);
    for (const [index, stay] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next === undefined) continue;
      moves++;
      if (stay.last > next.first) wrong.push(`${car} went back and forth`);
      if (stay.lastMs > next.firstMs) wrong.push(`${car}: a later line was appended first`);
    }
  }
  // Half of the cars have another partition of eight than of four.
  if (moves < staysOf.size / 4) wrong.push(`only ${moves} cars moved: the test shows nothing`);
  return wrong;
}
