/**
 * A leader may hold a batch that no follower has: it waits for them, and until they have it nothing is committed. Another
 * broker that then becomes leader, by a clean election, never saw the batch, and the former one cuts it off its log. So
 * what one leader's log holds proves nothing; an edge that is restarted in that moment must send the batch again.
 */
import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import type { ClusterBroker } from "../drivers/kafka/cluster-broker.ts";
import { sharedCluster, startClusterWorld } from "./world/cluster-world.ts";
import { pause } from "./world/pause.ts";
import { longForm } from "./world/seed.ts";
import { proven } from "./world/world.ts";

const cluster = sharedCluster();
const produce = 0;
const describeProducers = 61;
const committed = 500;

const cases = [
  { cause: "isolated", end: "kill" },
  { cause: "followers frozen", end: "stop" },
  { cause: "isolated", end: "stop" },
  { cause: "followers frozen", end: "kill" },
] as const;

for (const { cause, end } of longForm ? cases : cases.slice(0, 2)) {
  const ended = end === "kill" ? "killed with -9" : "stopped";
  test(`a batch that only the leader has (${cause}), the edge ${ended} and started: sent again, nothing lost`, async () => {
    const former = cluster().broker(1);
    await using world = await startClusterWorld(cluster(), {
      topic: { assignment: [[1, 2, 3]] },
      // The former leader is all that it can ask at first.
      brokers: former.client.address,
      changes: { top: { stopTimeout: "1s" } },
    });
    const { edge, log, topic } = world;
    await edge.start();
    log.write(committed);
    await edge.hasSettled(log.written);

    if (cause === "isolated") cluster().isolate(former.id);
    else for (const follower of cluster().others(former.id)) follower.freeze();
    // A follower's question waits at the leader for half a second: one that is answered now would still hand it the batch.
    await pause(1_000);
    log.write(500);
    await until("the leader to have more than is committed", async () => {
      return (await former.logEnd(topic, "replica")) > committed;
    });
    await edge[end]();
    const asked = requests(former);
    await edge.start();
    await until("the edge to ask the former leader again", () => requests(former) > asked);
    // Long enough for whatever it makes of the answer.
    await pause(1_000);
    expect(await former.logEnd(topic, "highWatermark")).toBe(committed);

    if (cause === "isolated") {
      await cluster().ledByAnother(topic, former);
      await cluster().heal();
    } else {
      await former.kill();
      for (const follower of cluster().others(former.id)) follower.thaw();
      await cluster().ledByAnother(topic, former);
      await former.start();
    }
    await edge.hasSettled(log.written, 60_000);
    await cluster().inSync(topic);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}

function requests({ client }: ClusterBroker): number {
  return client.requests(produce) + client.requests(describeProducers);
}
