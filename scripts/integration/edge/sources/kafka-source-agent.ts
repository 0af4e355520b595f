/** An agent that copies topics to the topic `copy`, as the tests of the kafka source start it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKafka } from "../../../../shared/kafka/connection/client.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { until } from "../../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");

/** A partition, as the source's status has it. */
export interface PartitionStatus {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
  readonly end: number;
  readonly lag: number;
}

/** What the status page has of the source. */
export interface SourceStatus {
  readonly partitions: readonly PartitionStatus[];
  readonly stalled?: string;
}

/** What a copier copies, from where to where. */
export interface CopierOptions {
  /** A folder for its config and its data. */
  readonly folder: string;
  readonly name: string;
  readonly brokers: readonly string[];
  readonly source: object;
  readonly topic: string;
}

/** An agent with a kafka source and a kafka sink; it can be stopped, killed and started again. */
export class Copier implements AsyncDisposable {
  private child: Child | undefined;
  /** What earlier processes said. */
  private past = "";

  private constructor(
    private readonly path: string,
    private readonly port: number,
  ) {}

  static async start({ folder, name, brokers, source, topic }: CopierOptions): Promise<Copier> {
    return await Copier.startFlow(folder, name, {
      sources: {
        in: { type: "kafka", brokers, sessionTimeout: "6s", commitInterval: "200ms", channels: ["main"], ...source },
      },
      channels: { main: { type: "sqlite", freeDisk: 0 } },
      sinks: { out: { type: "kafka", channel: "main", brokers, topic, partition: "agent" } },
    });
  }

  /** An agent of this name in that folder, with sources, channels and sinks as they are given. */
  static async startFlow(folder: string, name: string, flow: object): Promise<Copier> {
    const port = await freePort();
    const own = { agent: name, dataDir: join(folder, `${name}-data`), linger: "10ms" };
    const config = { ...own, ...flow, admin: { address: `127.0.0.1:${port}` } };
    const path = join(folder, `${name}.yaml`);
    writeFileSync(path, JSON.stringify(config));
    const copier = new Copier(path, port);
    await copier.restart();
    return copier;
  }

  async restart(): Promise<void> {
    this.past = this.log;
    this.child = startChild({ command: [process.execPath, main, "run", this.path] });
    const isReady = async () => (await this.ready()).ok;
    await until("the agent to be ready", isReady, Boolean, { withinMs: 30_000 });
  }

  async ready(): Promise<{ readonly ok: boolean; readonly words: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/readyz`);
    return { ok: answer.ok, words: await answer.text() };
  }

  async source(): Promise<SourceStatus> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/status`);
    const { sources } = (await answer.json()) as { sources: { in: SourceStatus } };
    return sources.in;
  }

  /** The sum of a metric's series. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const found = text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    if (found.length === 0) throw new Error(`there is no metric ${name}`);
    return found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** How often it has said this. */
  said(words: string): number {
    return this.log.split(words).length - 1;
  }

  get log(): string {
    return this.past + (this.child?.tail(200_000) ?? "");
  }

  async stop(): Promise<void> {
    await this.child?.stop();
  }

  async kill(): Promise<void> {
    await this.child?.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }
}

/** Writes values to a topic, to its partition 0 unless another is named. */
export async function produce(address: string, topic: string, values: readonly string[], partition = 0): Promise<void> {
  const kafka = createKafka({ brokers: [address], clientId: "test", report: silent, component: "test" });
  const producer = kafka.producer();
  await producer.connect();
  for (let at = 0; at < values.length; at += 1_000) {
    const messages = values.slice(at, at + 1_000).map((value) => ({ key: "k", value, partition }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

/** `count` values that begin with this. */
export function series(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}
