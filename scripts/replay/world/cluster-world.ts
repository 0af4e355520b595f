import { afterAll, beforeAll, beforeEach } from "bun:test";
import { type Cluster, startCluster } from "../../drivers/kafka/cluster.ts";
import { startWorld, type World, type WorldOptions } from "./world.ts";

/** One cluster of three brokers for the tests of a file, whole again before each. */
export function sharedCluster(): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 180_000);
  // A test that failed may have left anything.
  beforeEach(async () => {
    await cluster?.heal();
    for (const broker of cluster?.brokers ?? []) broker.thaw();
    await cluster?.start();
  }, 120_000);
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
  });
  return () => {
    if (cluster === undefined) throw new Error("the cluster of this file is started in beforeAll");
    return cluster;
  };
}

/** A world whose topic has three replicas and min ISR 2, unless it says otherwise; the centre comes past all proxies. */
export async function startClusterWorld(
  cluster: Cluster,
  { topic = {}, ...options }: Omit<WorldOptions, "broker">,
): Promise<World> {
  const config = { "min.insync.replicas": "2", ...topic.config };
  const world = await startWorld({
    broker: cluster,
    topic: { replicas: 3, ...topic, config },
    central: { brokers: cluster.internalAddress, ...options.central },
    ...options,
  });
  await cluster.inSync(world.topic);
  return world;
}
