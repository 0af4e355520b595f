/** One JVM that runs Kafka in a folder of its own: its settings written, its disk formatted, started, frozen, killed. */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { until } from "../../../shared/testing/until.ts";
import type { KafkaDistribution } from "./distribution.ts";

/** JVM options with which it starts quickly; benchmarks do without. */
export const quickStart: readonly string[] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** What a node is made of. */
export interface KafkaNodeOptions {
  readonly distribution: KafkaDistribution;
  readonly dataDir: string;
  readonly nodeId: number;
  /** The JVM's -Xmx. */
  readonly heap: string;
  readonly jvm: readonly string[];
  readonly readyWithinMs: number;
  /** Lines of server.properties, asked for at each start. */
  readonly settings: () => Readonly<Record<string, string | number | boolean>>;
  /** Asked until it says true: the node takes requests. */
  readonly isReady: () => Promise<boolean>;
  /** Formats the disk otherwise than with the cluster id of `clusterId` and the usual feature levels. */
  readonly format?: (properties: string) => Promise<void>;
  /** Of the cluster that a freshly formatted disk belongs to. */
  readonly clusterId: () => string;
}

/** A node that can be stopped, killed, frozen, wiped and started again. */
export class KafkaNode implements AsyncDisposable {
  private child: Child | undefined;

  constructor(private readonly options: KafkaNodeOptions) {}

  /** Where its log segments lie. */
  get logDir(): string {
    return join(this.options.dataDir, "logs");
  }

  /** Of the JVM that runs now; undefined while stopped. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exit === undefined;
  }

  /** What it wrote to its log since the last start. */
  get log(): string {
    return this.child === undefined ? "" : this.child.tail(100_000);
  }

  /** Starts it, formats its disk when that is new, and waits until it takes requests. */
  async start(): Promise<void> {
    if (!this.running) await this.ready(await this.launch());
  }

  /** Clean shutdown (SIGTERM). */
  async stop(): Promise<void> {
    await this.child?.stop(60_000);
  }

  /** SIGKILL: what was acknowledged but not fsynced survives, since the machine itself goes on. */
  async kill(): Promise<void> {
    await this.child?.kill();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  freeze(): void {
    this.child?.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.child?.thaw();
  }

  /** Kills it and forgets all data: as a machine whose disk was replaced. */
  async wipe(): Promise<void> {
    await this.kill();
    rmSync(this.logDir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  private async launch(): Promise<Child> {
    const { dataDir, distribution, heap, jvm } = this.options;
    mkdirSync(this.logDir, { recursive: true });
    const properties = join(dataDir, "server.properties");
    const logging = join(dataDir, "log4j2.properties");
    const settings = { ...this.options.settings(), "log.dirs": this.logDir };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    writeFileSync(properties, `${lines.join("\n")}\n`);
    writeFileSync(logging, loggingConfig);
    if (!existsSync(join(this.logDir, "meta.properties"))) await this.format(properties);
    const archive = jvm.some((option) => option.includes("ArchiveClassesAtExit"))
      ? []
      : [`-XX:SharedArchiveFile=${distribution.classArchive}`, "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error"];
    const options = [`-Xmx${heap}`, "-XX:+IgnoreUnrecognizedVMOptions", ...jvm, ...archive];
    const program = [`-Dlog4j2.configurationFile=${logging}`, "-cp", distribution.classPath, "kafka.Kafka", properties];
    this.child = startChild({ name: "kafka", command: ["java", ...options, ...program] });
    return this.child;
  }

  private async ready(child: Child): Promise<void> {
    const { dataDir, isReady, readyWithinMs } = this.options;
    const look = async () => (child.exit !== undefined ? `ended: ${child.tail()}` : await isReady());
    const options = { withinMs: readyWithinMs };
    try {
      await until("Kafka to take requests", look, (seen) => seen !== false, options);
    } catch (thrown) {
      throw new Error(
        `start Kafka in ${dataDir}: ${thrown instanceof Error ? thrown.message : thrown}\n${child.tail()}`,
      );
    }
    if (child.exit !== undefined) throw new Error(`start Kafka in ${dataDir}: it ended\n${child.tail()}`);
  }

  private async format(properties: string): Promise<void> {
    const { distribution, nodeId, clusterId } = this.options;
    if (this.options.format !== undefined) return await this.options.format(properties);
    copyFileSync(distribution.bootstrapCheckpoint, join(this.logDir, "bootstrap.checkpoint"));
    const meta = ["version=1", `node.id=${nodeId}`, `cluster.id=${clusterId()}`, `directory.id=${randomId()}`];
    writeFileSync(join(this.logDir, "meta.properties"), `${meta.join("\n")}\n`);
  }
}

/** Kafka's form of a UUID: 16 bytes in base64url without padding; never starting with a dash, as its tools demand. */
export function randomId(): string {
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
