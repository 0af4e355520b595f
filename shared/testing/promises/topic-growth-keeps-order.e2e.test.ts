import { expect, test } from "bun:test";
import { startBroker } from "../broker.ts";
import { startFaultProxy } from "../fault-proxy.ts";
import { freePort } from "../free-port.ts";
import { growTopic, readTopic } from "../topic.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { proven, startWorld } from "./world/world.ts";

test("a topic grown from 4 to 8 partitions under load: all lines once, each car's in order across its move", async () => {
  const port = await freePort();
  const advertisedPort = await freePort();
  await using broker = await startBroker({ port, advertisedPort });
  await using proxy = await startFaultProxy({ upstreamPort: port, port: advertisedPort });
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
    // The next request that fails makes the edge ask anew, long before it would by itself (5 minutes, as all clients).
    proxy.resetAll();
    await edge.wait("lanes of the grown topic", ({ sinks }) => (sinks.kafka?.lanes?.length ?? 0) >= 12, 30_000);
    const before = (await edge.book()).sent;
    await edge.wait("more lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > before + 5_000);
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject({ ...proven, partitions: 8 });
  expect(await carsOutOfOrder(broker.internalAddress, topic)).toEqual([]);
}, 60_000);

/** Across partitions the broker's own time of appending tells: a car's later line must not have come before an earlier one. */
async function carsOutOfOrder(address: string, topic: string): Promise<string[]> {
  const moves = new Map<string, { firstN: number; lastN: number; firstMs: number; lastMs: number }[]>();
  const seen = new Map<string, { firstN: number; lastN: number; firstMs: number; lastMs: number }>();
  await readTopic(address, topic, ({ partition, timestampMs, value }) => {
    const line = JSON.parse(value?.toString() ?? "{}") as { n?: number; car?: string };
    if (line.n === undefined || line.car === undefined) return;
    const key = `${line.car} ${partition}`;
    const stay = seen.get(key);
    if (stay !== undefined) {
      stay.lastN = line.n;
      stay.lastMs = timestampMs;
      return;
    }
    const begun = { firstN: line.n, lastN: line.n, firstMs: timestampMs, lastMs: timestampMs };
    seen.set(key, begun);
    moves.set(line.car, [...(moves.get(line.car) ?? []), begun]);
  });
  const wrong: string[] = [];
  let moved = 0;
  for (const [car, stays] of moves) {
    const [first, second, third] = stays.sort((a, b) => a.firstN - b.firstN);
    if (third !== undefined) wrong.push(`${car} was in three partitions`);
    if (first === undefined || second === undefined) continue;
    moved++;
    if (first.lastN > second.firstN) wrong.push(`${car} went back and forth`);
    if (first.lastMs > second.firstMs) wrong.push(`${car}: a later line was appended first`);
  }
  if (moved === 0) wrong.push("no car moved: the test shows nothing");
  return wrong;
}
