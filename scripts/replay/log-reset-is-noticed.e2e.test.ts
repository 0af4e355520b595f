/**
 * Where one copy is enough (min ISR 1), a cluster may acknowledge what a single broker has, and an unclean election may
 * then put one in its place that has less, or nothing. What the new leader lacks is still kept by the edge for a while:
 * the first answer shows by its offset that the log is not the one it was, and what is kept is sent again.
 */
import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { sharedCluster, startClusterWorld } from "./world/cluster-world.ts";
import { proven } from "./world/world.ts";

const cluster = sharedCluster();

const cases = [
  { name: "to empty", seenByBoth: 0, restarted: false },
  { name: "to empty, the edge killed and started meanwhile", seenByBoth: 0, restarted: true },
  { name: "to an earlier end", seenByBoth: 300, restarted: false },
];

for (const { name, seenByBoth, restarted } of cases) {
  test(`a log reset ${name} by an unclean election: what the edge keeps is sent again`, async () => {
    await using world = await startClusterWorld(cluster(), {
      topic: { assignment: [[1, 2]], config: { "min.insync.replicas": "1" } },
    });
    const { edge, log, topic } = world;
    const [first, second] = [cluster().broker(1), cluster().broker(2)];
    await edge.start();
    if (seenByBoth > 0) {
      log.write(seenByBoth);
      await edge.hasSettled(log.written);
      await until("both to have it", async () => (await second.logEnd(topic, "replica")) === seenByBoth);
    }
    first.lineFrom(second.id).blackhole();
    while (log.written < 700) {
      log.write(100);
      await edge.hasSettled(log.written);
    }
    // Taken by the first alone: the other one fell out of the in-sync replicas when it had not asked for 4 s.
    expect((await cluster().partitions(topic, first))[0]?.isr).toEqual([first.id]);
    expect(await second.logEnd(topic, "replica")).toBe(seenByBoth);
    await first.kill();
    if (restarted) await edge.kill();
    await until(
      "the other one to lead",
      async () => {
        await cluster().elect("unclean", topic);
        return (await cluster().leader(topic, 0, second))?.id === second.id;
      },
      Boolean,
      { withinMs: 30_000, everyMs: 200 },
    );
    if (restarted) await edge.start();
    log.write(300);
    await edge.hasSettled(log.written, 60_000);
    await cluster().heal();
    await first.start();
    await cluster().inSync(topic);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}
