/**
 * A real Apache Kafka for tests and for `npm start`: one node, broker and controller in one JVM (KRaft), on loopback.
 *
 *     await using broker = await startBroker();
 *     await broker.kill();      // -9, as a crash would
 *     await broker.start();     // the same data, the same ports
 *
 * Three listeners: CLIENT is what the product under test uses (plain, SASL or TLS, and advertised under another port
 * when a fault proxy stands before it); INTERNAL is always plain and direct, for the ready check and for independent
 * readers, which therefore see the truth while the proxy lies; CONTROLLER is Kafka's own. More can be had by name.
 */
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { formatCommand, type KafkaDistribution, kafkaDistribution, runTool } from "./distribution.ts";
import { KafkaNode, quickStart, randomId } from "./kafka-node.ts";
import { brokerAnswers } from "./probe.ts";

/** What a listener asks of those who connect. */
export type Protocol = "PLAINTEXT" | "SASL_PLAINTEXT" | "SSL" | "SASL_SSL";

/** What may differ from a plain broker on random ports with data of its own. */
export interface BrokerOptions {
  /** Kept when given (a second broker goes on where the first was); else a temp folder that goes with the broker. */
  readonly dataDir?: string;
  /** Port of the CLIENT listener. */
  readonly port?: number;
  /** What metadata tells clients to connect to: the port of a proxy that stands before the broker. */
  readonly advertisedPort?: number;
  /** Lines for server.properties, over the ones below. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
  /** The JVM's -Xmx; "384m" when not given. */
  readonly heap?: string;
  /** JVM options in place of those that make it start quickly. For benchmarks: `[]`. */
  readonly jvm?: readonly string[];
  /** Protocol of the CLIENT listener; keys and trust of TLS go into `properties`. */
  readonly protocol?: Protocol;
  /** More listeners, by a name in capitals; their addresses come from `addressOf`. */
  readonly listeners?: Readonly<Record<string, Protocol>>;
  /** Names and passwords for SASL: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 all take them. */
  readonly users?: Readonly<Record<string, string>>;
  /** 60 s when not given. */
  readonly readyWithinMs?: number;
}

/**
 * Starts a broker and waits until it takes requests.
 *
 * @throws AppError `TOOL_MISSING` when Java, or for the first fetch Maven, is not installed.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  return await open(await trainedDistribution(), options);
}

/** The distribution with its class archive, made by a first broker when it is not there. */
export async function trainedDistribution(): Promise<KafkaDistribution> {
  const distribution = await kafkaDistribution();
  if (!existsSync(distribution.classArchive)) await trainClassArchive(distribution);
  return distribution;
}

/** A broker that can be stopped, killed, frozen, wiped and started again on the same ports. */
export class Broker implements AsyncDisposable {
  readonly dataDir: string;
  /** Port of the CLIENT listener itself; `address` may name a proxy's. */
  readonly port: number;
  private readonly node: KafkaNode;
  private readonly listenerPorts = new Map<string, number>();

  constructor(
    private readonly distribution: KafkaDistribution,
    private readonly options: BrokerOptions,
    private readonly ports: BrokerPorts,
    /** Removed with the broker; the folder of the options stays. */
    private readonly ownDataDir: TempDir | undefined,
  ) {
    this.port = ports.client;
    this.dataDir = options.dataDir ?? ownDataDir?.path ?? "";
    const { heap = "384m", jvm = quickStart, readyWithinMs = 60_000, users } = options;
    this.node = new KafkaNode({
      distribution,
      dataDir: this.dataDir,
      nodeId: 1,
      heap,
      jvm,
      readyWithinMs,
      settings: () => this.settings(),
      isReady: async () => (await brokerAnswers(ports.internal)) && (await this.clientListens()),
      clusterId: randomId,
      ...(users === undefined ? {} : { format: (properties) => this.formatWithUsers(properties, users) }),
    });
  }

  /** What clients are given: `127.0.0.1:port`, the proxy's port when one is advertised. */
  get address(): string {
    return `127.0.0.1:${this.options.advertisedPort ?? this.port}`;
  }

  /** Always plain and direct, past any proxy: for independent readers and administration. */
  get internalAddress(): string {
    return `127.0.0.1:${this.ports.internal}`;
  }

  /** Of one of the option's `listeners`. */
  addressOf(listener: string): string {
    const port = this.listenerPorts.get(listener);
    if (port === undefined) throw new Error(`the broker has no listener ${listener}`);
    return `127.0.0.1:${port}`;
  }

  /** Of the JVM that runs now; undefined while stopped. */
  get pid(): number | undefined {
    return this.node.pid;
  }

  get running(): boolean {
    return this.node.running;
  }

  get clusterId(): string {
    const text = readFileSync(join(this.node.logDir, "meta.properties"), "utf8");
    return /^cluster\.id=(.*)$/m.exec(text)?.[1] ?? "";
  }

  /** What it wrote to its log since the last start. */
  get log(): string {
    return this.node.log;
  }

  /** Starts it, formats the data folder when it is new, and waits until it takes requests. */
  async start(): Promise<void> {
    for (const name of Object.keys(this.options.listeners ?? {})) {
      if (!this.listenerPorts.has(name)) this.listenerPorts.set(name, await freePort());
    }
    await this.node.start();
  }

  /** Clean shutdown (SIGTERM). */
  async stop(): Promise<void> {
    await this.node.stop();
  }

  /** SIGKILL: what was acknowledged but not fsynced survives, since the machine itself goes on. */
  async kill(): Promise<void> {
    await this.node.kill();
  }

  /** Stops or kills it, then starts it on the same data and ports. */
  async restart(how: "stop" | "kill" = "stop"): Promise<void> {
    await this[how]();
    await this.start();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.node.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.node.thaw();
  }

  /** Kills it and forgets all data: the next start is a new cluster on the same address. */
  async wipe(): Promise<void> {
    await this.node.wipe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.ownDataDir?.[Symbol.dispose]();
  }

  private clientListens(): Promise<boolean> {
    const { protocol = "PLAINTEXT" } = this.options;
    // TLS and SASL would not talk to the probe; Kafka opens all listeners together, so the internal one speaks for them.
    return protocol === "PLAINTEXT" ? brokerAnswers(this.port) : Promise.resolve(true);
  }

  private settings(): Record<string, string | number | boolean> {
    const { protocol = "PLAINTEXT", advertisedPort = this.port, listeners = {} } = this.options;
    const more = Object.keys(listeners).map((name) => `${name}://${this.addressOf(name)}`);
    const controller = `127.0.0.1:${this.ports.controller}`;
    const internal = `INTERNAL://${this.internalAddress}`;
    const protocols = { CLIENT: protocol, INTERNAL: "PLAINTEXT", CONTROLLER: "PLAINTEXT", ...listeners };
    return {
      "process.roles": "broker,controller",
      "node.id": 1,
      "controller.quorum.voters": `1@${controller}`,
      listeners: [`CLIENT://127.0.0.1:${this.port}`, internal, `CONTROLLER://${controller}`, ...more].join(","),
      "advertised.listeners": [`CLIENT://127.0.0.1:${advertisedPort}`, internal, ...more].join(","),
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "INTERNAL",
      "listener.security.protocol.map": Object.entries(protocols)
        .map(([name, speaks]) => `${name}:${speaks}`)
        .join(","),
      "num.partitions": 4,
      "auto.create.topics.enable": false,
      "offsets.topic.replication.factor": 1,
      "offsets.topic.num.partitions": 1,
      "transaction.state.log.replication.factor": 1,
      "transaction.state.log.num.partitions": 1,
      "transaction.state.log.min.isr": 1,
      "group.initial.rebalance.delay.ms": 0,
      // After kill -9 the controller refuses the node's return until its old session ends (9 s by default).
      "broker.session.timeout.ms": 3000,
      "broker.heartbeat.interval.ms": 500,
      ...saslSettings(this.options),
      ...this.options.properties,
    };
  }

  /** Names and passwords of SCRAM can only be given to Kafka's own storage tool. */
  private async formatWithUsers(properties: string, users: Readonly<Record<string, string>>): Promise<void> {
    const scram = Object.entries(users).flatMap(([name, password]) =>
      ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
        "--add-scram",
        `${mechanism}=[name=${name},password=${password}]`,
      ]),
    );
    const command = formatCommand(this.distribution.classPath, randomId(), properties, scram);
    await runTool("format the Kafka node", command);
  }
}

interface BrokerPorts {
  readonly client: number;
  readonly internal: number;
  readonly controller: number;
}

async function open(distribution: KafkaDistribution, options: BrokerOptions): Promise<Broker> {
  const own = options.dataDir === undefined ? tempDir("tailgate-kafka-") : undefined;
  const client = options.port ?? (await freePort());
  const ports = { client, internal: await freePort(), controller: await freePort() };
  const broker = new Broker(distribution, options, ports, own);
  try {
    await broker.start();
  } catch (thrown) {
    await broker[Symbol.asyncDispose]();
    throw thrown;
  }
  return broker;
}

/** One broker started and stopped for its class data: pays for itself with the third broker. */
async function trainClassArchive(distribution: KafkaDistribution): Promise<void> {
  const partial = `${distribution.classArchive}.part-${process.pid}`;
  await using broker = await open(distribution, { jvm: [...quickStart, `-XX:ArchiveClassesAtExit=${partial}`] });
  await broker.stop();
  // A JVM that cannot write archives leaves none; every later start then does without.
  if (existsSync(partial)) renameSync(partial, distribution.classArchive);
}

function saslSettings(options: BrokerOptions): Record<string, string> {
  if (options.users === undefined) return {};
  const users = Object.entries(options.users).map(([name, password]) => `user_${name}="${password}"`);
  const settings: Record<string, string> = { "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512" };
  for (const name of ["CLIENT", ...Object.keys(options.listeners ?? {})]) {
    const listener = `listener.name.${name.toLowerCase()}`;
    const module = "org.apache.kafka.common.security";
    settings[`${listener}.plain.sasl.jaas.config`] = `${module}.plain.PlainLoginModule required ${users.join(" ")};`;
    settings[`${listener}.scram-sha-256.sasl.jaas.config`] = `${module}.scram.ScramLoginModule required;`;
    settings[`${listener}.scram-sha-512.sasl.jaas.config`] = `${module}.scram.ScramLoginModule required;`;
  }
  return settings;
}
