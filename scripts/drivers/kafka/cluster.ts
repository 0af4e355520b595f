/**
 * Three real Kafka brokers and their controller, on loopback, with a line between any two that can be cut:
 *
 *     await using cluster = await startCluster();
 *     cluster.isolate(2);              // broker 2 sees neither the controller nor the others; clients still reach it
 *     await cluster.broker(1).kill();
 *     cluster.heal();
 *
 *                    ┌──────────── controller ────────────┐
 *     client ──▷── broker 1 ───▷◁─── broker 2 ───▷◁─── broker 3        ▷ is a fault proxy, one for each direction
 *
 * Kafka gives out one address a listener, so a line of its own takes a listener of its own. Broker *i* reaches the others
 * by the listener `FROM_i` (its `inter.broker.listener.name`), which each of them advertises at the proxy of just that
 * pair. Broker *i* reaches the controller by its listener `TO_i` in the same way. Clients come by `CLIENT`, through a proxy
 * too. `DIRECT` passes no proxy: for administration and for independent readers.
 */
import { join } from "node:path";
import { freePort, isFreePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type FaultProxy, startFaultProxy } from "../faults/fault-proxy.ts";
import { trainedDistribution } from "./broker.ts";
import { ClusterBroker } from "./cluster-broker.ts";
import { KafkaNode, quickStart, randomId } from "./kafka-node.ts";
import { electLeaders, type PartitionView } from "./requests.ts";
import { alterTopic, createTopic, reassign, type TopicOptions } from "./topic.ts";

/** What may differ from an ordinary cluster. */
export interface ClusterOptions {
  /** Lines for server.properties of brokers and controller, over the ones of `clusterSettings`. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** Node ids of the brokers; the controller's is 100. */
export const brokerIds = [1, 2, 3] as const;
const controllerId = 100;
const readyWithinMs = 90_000;

/** Starts the four of them and waits until all brokers take requests. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const distribution = await trainedDistribution();
  const folder = tempDir("tailgate-cluster-");
  const clusterId = randomId();
  const common = { distribution, jvm: quickStart, readyWithinMs, clusterId: () => clusterId };
  const ports = new Map<number, number>();
  for (const id of brokerIds) ports.set(id, await freePort());
  const controllerPort = (id: number) => ports.get(id) ?? 0;
  const uplinks = new Map<number, FaultProxy>();
  for (const id of brokerIds) uplinks.set(id, await startLine(controllerPort(id)));
  const controller = new KafkaNode({
    ...common,
    dataDir: join(folder.path, "controller"),
    nodeId: controllerId,
    heap: "128m",
    settings: () => controllerSettings(controllerPort, uplinks, options),
    isReady: async () => !(await isFreePort(controllerPort(1))),
  });
  const brokers: ClusterBroker[] = [];
  for (const id of brokerIds) {
    const line = uplinks.get(id);
    if (line === undefined) throw new Error(`broker ${id} has no line to the controller`);
    const properties = { ...clusterSettings, ...options.properties };
    brokers.push(await ClusterBroker.make({ ...common, id, controllerId, line, folder: folder.path, properties }));
  }
  const cluster = new Cluster(controller, brokers, folder);
  try {
    await Promise.all([controller.start(), ...brokers.map((broker) => broker.start())]);
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
  return cluster;
}

/** The running cluster. */
export class Cluster implements AsyncDisposable {
  constructor(
    readonly controller: KafkaNode,
    readonly brokers: readonly ClusterBroker[],
    private readonly folder: TempDir,
  ) {}

  /** What clients are given: all brokers, each through its proxy. */
  get address(): string {
    return this.brokers.map(({ client }) => client.address).join(",");
  }

  /** Past all proxies: for administration and for independent readers. */
  get internalAddress(): string {
    return this.brokers.map(({ directAddress }) => directAddress).join(",");
  }

  /** By its node id, 1 to 3. */
  broker(id: number): ClusterBroker {
    const broker = this.brokers.find((each) => each.id === id);
    if (broker === undefined) throw new Error(`the cluster has no broker ${id}`);
    return broker;
  }

  /** All brokers but these. */
  others(...ids: readonly number[]): readonly ClusterBroker[] {
    return this.brokers.filter(({ id }) => !ids.includes(id));
  }

  /** Lines by which a broker is joined to the controller and to the other brokers, in both directions. */
  linesOf(id: number): readonly FaultProxy[] {
    const out = this.others(id).map((other) => other.lineFrom(id));
    const back = this.others(id).map((other) => this.broker(id).lineFrom(other.id));
    return [this.broker(id).controllerLine, ...out, ...back];
  }

  /** Every line of the cluster, those to clients included. */
  get lines(): readonly FaultProxy[] {
    const between = this.brokers.flatMap(({ id }) => this.linesOf(id));
    return [...new Set([...between, ...this.brokers.map(({ client }) => client)])];
  }

  /** Cuts a broker off from the controller and the other brokers without a word to anybody; clients still reach it. */
  isolate(id: number): void {
    for (const line of this.linesOf(id)) line.blackhole();
  }

  /** All lines are whole and quick again. What was held in a muted one is thrown away: its connections are reset. */
  async heal(): Promise<void> {
    for (const line of this.lines) await line.clear();
  }

  /** Makes a topic with three replicas and min ISR 2, unless the options say otherwise; waits until all are in sync. */
  async createTopic(topic: string, options: TopicOptions = {}): Promise<void> {
    const config = { "min.insync.replicas": "2", "message.timestamp.type": "LogAppendTime", ...options.config };
    await createTopic(this.internalAddress, topic, { replicas: brokerIds.length, ...options, config });
    await this.inSync(topic);
  }

  /** The topic's partitions as the broker sees them; any that lives when none is named. */
  async partitions(topic: string, broker?: ClusterBroker): Promise<readonly PartitionView[]> {
    if (broker !== undefined) return (await broker.view(topic)).partitions;
    for (const each of this.brokers) {
      const view = await each.view(topic).catch(() => undefined);
      if (view !== undefined) return view.partitions;
    }
    throw new Error("ask the cluster for its partitions: no broker answers");
  }

  /** The broker that leads a partition in the eyes of another one, or of any; undefined when there is none. */
  async leader(topic: string, partition = 0, seenBy?: ClusterBroker): Promise<ClusterBroker | undefined> {
    const views = await this.partitions(topic, seenBy);
    const leader = views.find((view) => view.partition === partition)?.leader ?? -1;
    return this.brokers.find(({ id }) => id === leader);
  }

  /** Waits until a partition has a leader that is none of these. */
  async ledByAnother(topic: string, former: ClusterBroker, partition = 0): Promise<ClusterBroker> {
    const [witness = former] = this.others(former.id).filter(({ running }) => running);
    const look = async () => await this.leader(topic, partition, witness);
    const another = (leader: ClusterBroker | undefined) => leader !== undefined && leader.id !== former.id;
    const leader = await until(`another leader of ${topic}/${partition}`, look, another, { withinMs: 60_000 });
    if (leader === undefined) throw new Error(`${topic}/${partition} has no leader`);
    return leader;
  }

  /** Waits until every partition has a leader, and all its replicas are in sync. */
  async inSync(topic: string, withinMs = 60_000): Promise<void> {
    const whole = ({ leader, replicas, isr }: PartitionView) => leader > 0 && isr.length === replicas.length;
    const look = async () => {
      const views = await Promise.all(this.brokers.map((broker) => this.partitions(topic, broker)));
      return views.flat();
    };
    await until(`all replicas of ${topic} in sync`, look, (seen) => seen.length > 0 && seen.every(whole), { withinMs });
  }

  /** Asks for an election in all partitions of a topic, or in one. */
  async elect(how: "preferred" | "unclean", topic: string, partition?: number): Promise<void> {
    const [asked] = this.brokers.filter(({ running }) => running);
    if (asked === undefined) throw new Error("elect leaders: no broker runs");
    const all = (await this.partitions(topic)).map((view) => view.partition);
    await electLeaders(asked.directPort, how, topic, partition === undefined ? all : [partition]);
  }

  /** Gives each partition other replicas, and waits until they have taken over. */
  async reassign(topic: string, replicas: (partition: number) => readonly number[]): Promise<void> {
    const views = await this.partitions(topic);
    const wanted = views.map(({ partition }) => ({ partition, replicas: [...replicas(partition)] }));
    await reassign(this.internalAddress, topic, wanted);
    const done = (seen: readonly PartitionView[]) =>
      wanted.every(({ partition, replicas: ids }) => {
        const view = seen.find((each) => each.partition === partition);
        return view !== undefined && view.replicas.join() === ids.join() && view.isr.length === ids.length;
      });
    await until(`${topic} to be reassigned`, () => this.partitions(topic), done, { withinMs: 60_000 });
  }

  /** Sets a topic's settings to exactly these. */
  async configure(topic: string, config: Readonly<Record<string, string>>): Promise<void> {
    await alterTopic(this.internalAddress, topic, config);
  }

  /** Starts whatever does not run. */
  async start(): Promise<void> {
    await Promise.all([this.controller.start(), ...this.brokers.map((broker) => broker.start())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.controller.kill(), ...this.brokers.map((broker) => broker[Symbol.asyncDispose]())]);
    await Promise.all(this.brokers.map(({ controllerLine }) => controllerLine[Symbol.asyncDispose]()));
    this.folder[Symbol.dispose]();
  }
}

async function startLine(upstreamPort: number): Promise<FaultProxy> {
  return await startFaultProxy({ upstreamPort, frames: false });
}

/** Small and quick: a broker is missed after 3 s, a follower after 4, and nothing is rebalanced unless a test says so. */
const clusterSettings: Readonly<Record<string, string | number | boolean>> = {
  "auto.create.topics.enable": false,
  "auto.leader.rebalance.enable": false,
  "offsets.topic.replication.factor": 3,
  "offsets.topic.num.partitions": 1,
  "transaction.state.log.replication.factor": 3,
  "transaction.state.log.num.partitions": 1,
  "group.initial.rebalance.delay.ms": 0,
  "broker.session.timeout.ms": 3000,
  "broker.heartbeat.interval.ms": 500,
  "replica.lag.time.max.ms": 4000,
  "replica.socket.timeout.ms": 4000,
  "replica.fetch.backoff.ms": 200,
  "controller.quorum.request.timeout.ms": 2000,
  // Four JVMs share two cores and little memory.
  "num.network.threads": 2,
  "num.io.threads": 2,
  "background.threads": 2,
  "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
};

function controllerSettings(
  portFor: (id: number) => number,
  uplinks: ReadonlyMap<number, FaultProxy>,
  { properties }: ClusterOptions,
): Record<string, string | number | boolean> {
  const names = brokerIds.map((id) => `TO_${id}`);
  return {
    ...clusterSettings,
    "process.roles": "controller",
    "node.id": controllerId,
    "controller.quorum.voters": `${controllerId}@127.0.0.1:${portFor(1)}`,
    listeners: brokerIds.map((id) => `TO_${id}://127.0.0.1:${portFor(id)}`).join(","),
    "advertised.listeners": brokerIds.map((id) => `TO_${id}://127.0.0.1:${uplinks.get(id)?.port ?? 0}`).join(","),
    "controller.listener.names": names.join(","),
    "listener.security.protocol.map": names.map((name) => `${name}:PLAINTEXT`).join(","),
    ...properties,
  };
}
