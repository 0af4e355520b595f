/**
 * A leader that is cut off from its cluster, but not from its clients, goes on saying that it leads, and takes batches
 * that it can never commit. Whoever asks only such a broker where to send stands still for as long as it is cut off.
 *
 * It answers for such a batch when the request's own time is over (`requestTimeout`, 30 s by default), and only then
 * another broker is asked. So new lines are with the new leader some seconds after that time, and not before.
 */
import { expect, test } from "bun:test";
import { SteadyWriter } from "./input/steady-writer.ts";
import { sharedCluster, startClusterWorld } from "./world/cluster-world.ts";
import { proven } from "./world/world.ts";

const cluster = sharedCluster();

for (const [name, addresses] of [
  ["the only address of the config", () => cluster().broker(1).client.address],
  ["after another one in the config", () => [2, 1].map((node) => cluster().broker(node).client.address).join()],
  ["one of three in the config", () => cluster().address],
] as const) {
  test(`an isolated former leader (${name}): the new one has new lines within 45 s, while the old one is still cut off`, async () => {
    await using world = await startClusterWorld(cluster(), {
      topic: { assignment: [[1, 2, 3]] },
      brokers: addresses(),
    });
    const { edge, log, topic } = world;
    await edge.start();
    {
      await using _ = new SteadyWriter(log, 2_000);
      await edge.wait("lines to be sent", ({ books }) => (books[0]?.sent ?? 0) > 2_000);
      cluster().isolate(1);
      await cluster().ledByAnother(topic, cluster().broker(1));
      const before = (await edge.book()).sent;
      await edge.wait("lines to reach the new leader", ({ books }) => (books[0]?.sent ?? 0) > before + 2_000, 45_000);
    }
    await edge.hasSettled(log.written, 30_000);
    await cluster().heal();
    await cluster().inSync(topic);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}
