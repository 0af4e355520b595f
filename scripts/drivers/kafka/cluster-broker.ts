import { join } from "node:path";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type FaultProxy, startFaultProxy } from "../faults/fault-proxy.ts";
import { KafkaNode, type KafkaNodeOptions } from "./kafka-node.ts";
import { type ClusterView, clusterView, type LogEnd, logEnd } from "./requests.ts";

const ids = [1, 2, 3];

/** What a broker of a cluster is made of. */
export interface ClusterBrokerOptions
  extends Pick<KafkaNodeOptions, "distribution" | "jvm" | "readyWithinMs" | "clusterId"> {
  readonly id: number;
  readonly controllerId: number;
  /** To the controller. */
  readonly line: FaultProxy;
  /** Of the whole cluster. */
  readonly folder: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** One broker of a cluster, and the lines that lead to it. */
export class ClusterBroker implements AsyncDisposable {
  readonly id: number;
  /** From this broker to the controller. */
  readonly controllerLine: FaultProxy;
  private readonly node: KafkaNode;

  private constructor(
    private readonly options: ClusterBrokerOptions,
    /** Of the listener that passes no proxy. */
    readonly directPort: number,
    /** What clients connect to. */
    readonly client: FaultProxy,
    private readonly clientPort: number,
    private readonly peers: ReadonlyMap<number, { readonly port: number; readonly line: FaultProxy }>,
  ) {
    this.id = options.id;
    this.controllerLine = options.line;
    const { folder, properties, ...node } = options;
    this.node = new KafkaNode({
      ...node,
      dataDir: join(folder, `broker-${this.id}`),
      nodeId: this.id,
      heap: "256m",
      settings: () => ({ ...properties, ...this.settings() }),
      isReady: async () => {
        const { brokers } = await this.view().catch((): ClusterView => ({ brokers: [], partitions: [] }));
        return brokers.includes(this.id);
      },
    });
  }

  /** Finds its ports and starts the proxies before it. */
  static async make(options: ClusterBrokerOptions): Promise<ClusterBroker> {
    const [directPort, clientPort] = [await freePort(), await freePort()];
    const peers = new Map<number, { port: number; line: FaultProxy }>();
    for (const id of ids) {
      const port = await freePort();
      peers.set(id, { port, line: await startFaultProxy({ upstreamPort: port, frames: false }) });
    }
    const client = await startFaultProxy({ upstreamPort: clientPort });
    return new ClusterBroker(options, directPort, client, clientPort, peers);
  }

  /** Past all proxies. */
  get directAddress(): string {
    return `127.0.0.1:${this.directPort}`;
  }

  get running(): boolean {
    return this.node.running;
  }

  /** What it wrote to its log since the last start. */
  get log(): string {
    return this.node.log;
  }

  /** The line by which another broker reaches this one. */
  lineFrom(id: number): FaultProxy {
    const peer = this.peers.get(id);
    if (peer === undefined) throw new Error(`broker ${this.id} has no line from ${id}`);
    return peer.line;
  }

  /** Starts it and waits until the controller lets it take requests. */
  async start(): Promise<void> {
    await this.node.start();
  }

  /** Clean shutdown: its partitions are given to others first. */
  async stop(): Promise<void> {
    await this.node.stop();
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.node.kill();
  }

  /** SIGSTOP. */
  freeze(): void {
    this.node.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.node.thaw();
  }

  /** Kills it, puts an empty disk in, and starts it: it comes back with nothing and learns all from the others. */
  async replaceDisk(): Promise<void> {
    await this.node.wipe();
    await this.node.start();
  }

  /** What this broker says about the cluster, true or not. */
  async view(topic?: string): Promise<ClusterView> {
    return await clusterView(this.directPort, topic, 2_000);
  }

  /** Next offset of a partition it leads: of what consumers may see, or of its own log. */
  async logEnd(topic: string, end: LogEnd, partition = 0): Promise<number> {
    return await logEnd(this.directPort, topic, partition, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    const lines = [this.client, ...[...this.peers.values()].map(({ line }) => line)];
    await Promise.all(lines.map((line) => line[Symbol.asyncDispose]()));
  }

  private settings(): Record<string, string | number> {
    const { controllerId } = this.options;
    const peers = [...this.peers];
    const controller = `TO_${this.id}`;
    const names = ["CLIENT", "DIRECT", ...peers.map(([id]) => `FROM_${id}`), controller];
    return {
      "process.roles": "broker",
      "node.id": this.id,
      "controller.quorum.voters": `${controllerId}@${this.controllerLine.address}`,
      "controller.listener.names": controller,
      "inter.broker.listener.name": `FROM_${this.id}`,
      listeners: [
        `CLIENT://127.0.0.1:${this.clientPort}`,
        `DIRECT://${this.directAddress}`,
        ...peers.map(([id, { port }]) => `FROM_${id}://127.0.0.1:${port}`),
      ].join(","),
      "advertised.listeners": [
        `CLIENT://${this.client.address}`,
        `DIRECT://${this.directAddress}`,
        ...peers.map(([id, { line }]) => `FROM_${id}://${line.address}`),
      ].join(","),
      "listener.security.protocol.map": names.map((name) => `${name}:PLAINTEXT`).join(","),
    };
  }
}
