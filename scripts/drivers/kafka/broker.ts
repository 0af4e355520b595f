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
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { formatCommand, type KafkaDistribution, kafkaDistribution, runTool } from "./distribution.ts";
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

const quickStart = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/**
 * Starts a broker and waits until it takes requests.
 *
 * @throws AppError `TOOL_MISSING` when Java, or for the first fetch Maven, is not installed.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const distribution = await kafkaDistribution();
  if (!existsSync(distribution.classArchive)) await trainClassArchive(distribution);
  return await open(distribution, options);
}

/** A broker that can be stopped, killed, frozen, wiped and started again on the same ports. */
export class Broker implements AsyncDisposable {
  private child: Child | undefined;
  private readonly listenerPorts = new Map<string, number>();
  private ownDataDir: Disposable | undefined;

  constructor(
    private readonly distribution: KafkaDistribution,
    private readonly options: BrokerOptions,
    /** Port of the CLIENT listener itself; `address` may name a proxy's. */
    readonly port: number,
    private readonly internalPort: number,
    private readonly controllerPort: number,
    readonly dataDir: string,
    ownDataDir: Disposable | undefined,
  ) {
    this.ownDataDir = ownDataDir;
  }

  /** What clients are given: `127.0.0.1:port`, the proxy's port when one is advertised. */
  get address(): string {
    return `127.0.0.1:${this.options.advertisedPort ?? this.port}`;
  }

  /** Always plain and direct, past any proxy: for independent readers and administration. */
  get internalAddress(): string {
    return `127.0.0.1:${this.internalPort}`;
  }

  /** Of one of the option's `listeners`. */
  addressOf(listener: string): string {
    const port = this.listenerPorts.get(listener);
    if (port === undefined) throw new Error(`the broker has no listener ${listener}`);
    return `127.0.0.1:${port}`;
  }

  /** Of the JVM that runs now; undefined while stopped. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exit === undefined;
  }

  get clusterId(): string {
    const text = readFileSync(join(this.dataDir, "logs", "meta.properties"), "utf8");
    return /^cluster\.id=(.*)$/m.exec(text)?.[1] ?? "";
  }

  /** What it wrote to its log since the last start. */
  get log(): string {
    return this.child === undefined ? "" : this.child.tail(100_000);
  }

  /** Starts it, formats the data folder when it is new, and waits until it takes requests. */
  async start(): Promise<void> {
    if (this.running) return;
    for (const name of Object.keys(this.options.listeners ?? {})) {
      if (!this.listenerPorts.has(name)) this.listenerPorts.set(name, await freePort());
    }
    mkdirSync(join(this.dataDir, "logs"), { recursive: true });
    const { properties, logging } = this.writeConfig();
    if (!existsSync(join(this.dataDir, "logs", "meta.properties"))) await this.format(properties);
    const { heap = "384m", jvm = quickStart, readyWithinMs = 60_000 } = this.options;
    const archive = jvm.some((option) => option.includes("ArchiveClassesAtExit"))
      ? []
      : [`-XX:SharedArchiveFile=${this.distribution.classArchive}`, "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error"];
    const options = [`-Xmx${heap}`, "-XX:+IgnoreUnrecognizedVMOptions", ...jvm, ...archive];
    const child = startChild({
      name: "kafka",
      command: [
        "java",
        ...options,
        `-Dlog4j2.configurationFile=${logging}`,
        "-cp",
        this.distribution.classPath,
        "kafka.Kafka",
        properties,
      ],
    });
    this.child = child;
    await until(
      "Kafka to take requests",
      async () => {
        if (child.exit !== undefined) return `ended: ${child.tail()}`;
        return (await brokerAnswers(this.internalPort)) && (await this.clientListens());
      },
      (seen) => seen !== false,
      { withinMs: readyWithinMs },
    );
    if (child.exit !== undefined) throw new Error(`start Kafka in ${this.dataDir}: it ended\n${child.tail()}`);
  }

  /** Clean shutdown (SIGTERM). */
  async stop(): Promise<void> {
    await this.child?.stop(60_000);
  }

  /** SIGKILL: what was acknowledged but not fsynced survives, since the machine itself goes on. */
  async kill(): Promise<void> {
    await this.child?.kill();
  }

  /** Stops or kills it, then starts it on the same data and ports. */
  async restart(how: "stop" | "kill" = "stop"): Promise<void> {
    await this[how]();
    await this.start();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.child?.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.child?.thaw();
  }

  /** Kills it and forgets all data: the next start is a new cluster on the same address. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(join(this.dataDir, "logs"), { recursive: true, force: true });
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

  private writeConfig(): { properties: string; logging: string } {
    const { protocol = "PLAINTEXT", advertisedPort = this.port, listeners = {} } = this.options;
    const more = Object.keys(listeners).map((name) => `${name}://${this.addressOf(name)}`);
    const settings: Record<string, string | number | boolean> = {
      "process.roles": "broker,controller",
      "node.id": 1,
      "controller.quorum.voters": `1@127.0.0.1:${this.controllerPort}`,
      listeners: [
        `CLIENT://127.0.0.1:${this.port}`,
        `INTERNAL://127.0.0.1:${this.internalPort}`,
        `CONTROLLER://127.0.0.1:${this.controllerPort}`,
        ...more,
      ].join(","),
      "advertised.listeners": [
        `CLIENT://127.0.0.1:${advertisedPort}`,
        `INTERNAL://127.0.0.1:${this.internalPort}`,
        ...more,
      ].join(","),
      "controller.listener.names": "CONTROLLER",
      "inter.broker.listener.name": "INTERNAL",
      "listener.security.protocol.map": Object.entries({
        CLIENT: protocol,
        INTERNAL: "PLAINTEXT",
        CONTROLLER: "PLAINTEXT",
        ...listeners,
      })
        .map(([name, speaks]) => `${name}:${speaks}`)
        .join(","),
      "log.dirs": join(this.dataDir, "logs"),
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
    const properties = join(this.dataDir, "server.properties");
    const logging = join(this.dataDir, "log4j2.properties");
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    writeFileSync(properties, `${lines.join("\n")}\n`);
    writeFileSync(logging, loggingConfig);
    return { properties, logging };
  }

  private async format(properties: string): Promise<void> {
    const clusterId = randomId();
    const { users } = this.options;
    if (users !== undefined) {
      const scram = Object.entries(users).flatMap(([name, password]) =>
        ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) => [
          "--add-scram",
          `${mechanism}=[name=${name},password=${password}]`,
        ]),
      );
      const command = formatCommand(this.distribution.classPath, clusterId, properties, scram);
      return await runTool("format the Kafka node", command);
    }
    const logs = join(this.dataDir, "logs");
    copyFileSync(this.distribution.bootstrapCheckpoint, join(logs, "bootstrap.checkpoint"));
    const meta = ["version=1", "node.id=1", `cluster.id=${clusterId}`, `directory.id=${randomId()}`];
    writeFileSync(join(logs, "meta.properties"), `${meta.join("\n")}\n`);
  }
}

async function open(distribution: KafkaDistribution, options: BrokerOptions): Promise<Broker> {
  const own = options.dataDir === undefined ? tempDir("tailgate-kafka-") : undefined;
  const dataDir = options.dataDir ?? own?.path ?? "";
  const port = options.port ?? (await freePort());
  const broker = new Broker(distribution, options, port, await freePort(), await freePort(), dataDir, own);
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

/** Kafka's form of a UUID: 16 bytes in base64url without padding; never starting with a dash, as its tools demand. */
function randomId(): string {
  const id = randomBytes(16).toString("base64url");
  return id.startsWith("-") ? randomId() : id;
}

const loggingConfig = `status=error
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
`;
