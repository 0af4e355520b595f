/**
 * Topology 4 with relay between the agents: edges → aggregators → Kafka or the centre, as processes, killed with -9 under load. What
 * is in the topic is read by kcat and held against what was written; what is in the store the centre says.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { startCentral } from "../../drivers/central/central-process.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, readTopic, topicCount } from "../../drivers/kafka/topic.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const token = "a-key-that-edges-relay-with";
const edgesCount = 3;
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

/** An agent as a process. */
class Agent implements AsyncDisposable {
  private child: Child | undefined;

  constructor(
    readonly name: string,
    private readonly dir: TempDir,
    config: object,
  ) {
    const own = { agent: name, dataDir: dir.file(`${name}.data`), linger: "50ms" };
    const channels = { main: { type: "sqlite", freeDisk: 0 } };
    writeFileSync(dir.file(`${name}.yaml`), JSON.stringify({ ...own, channels, ...config }));
  }

  start(): void {
    this.child = startChild({
      name: this.name,
      command: [process.execPath, main, "run", this.dir.file(`${this.name}.yaml`)],
    });
  }

  async kill(): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }

  get said(): string {
    return `${this.name}: ${this.child?.stderr.slice(-2_000) ?? ""}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** The sinks of an aggregator, of its place and the ports of all. */
type SinksOf = (index: number, ports: readonly number[]) => object;
const sinkTo = (port: number) => ({ type: "relay", url: `http://127.0.0.1:${port}`, token, timeout: "5s" });
const agentsAt = (port: number, take: Take) => {
  return { type: "relay", address: `127.0.0.1:${port}`, tokens: [token], take, channels: "main" };
};

/** How the aggregators take what comes. */
type Take = "batches" | "events";

/** What the topic holds: how often each line, under which names that it had at its edge. */
interface Found {
  readonly records: number;
  readonly missing: number;
  readonly foreign: number;
  readonly repeats: number;
  readonly origins: number;
  /** Lines that came under two origins: repeats that nobody could tell. */
  readonly silent: number;
}

/** Edges that follow a file each, aggregators in one topic. */
class World implements AsyncDisposable {
  readonly edges: Agent[] = [];
  readonly aggregators: Agent[] = [];
  readonly ports: number[] = [];
  private readonly dir = tempDir("tailgate-aggregator-");
  private readonly written = new Set<string>();
  private writing: ReturnType<typeof setInterval> | undefined;

  private constructor(
    private readonly topic: string,
    private readonly take: Take,
  ) {}

  /** `sinksOf`: where each aggregator brings it, in place of the topic. */
  static async make(topic: string, aggregators: number, take: Take, sinksOf?: SinksOf): Promise<World> {
    const world = new World(topic, take);
    await createTopic(broker.internalAddress, topic, { partitions: 3 });
    mkdirSync(world.dir.file("logs"));
    for (let index = 0; index < aggregators; index++) world.ports.push(await freePort());
    for (const [index, port] of world.ports.entries()) {
      const kafka = { type: "kafka", channel: "main", brokers: [broker.address], topic, partition: "agent" };
      const sinks = sinksOf?.(index, world.ports) ?? { kafka };
      world.aggregators.push(
        new Agent(`agg-${index}`, world.dir, { sources: { agents: agentsAt(port, take) }, sinks }),
      );
    }
    return world;
  }

  /** Edges with these sinks, and all is started. */
  start(sinks: object): void {
    for (let index = 0; index < edgesCount; index++) {
      const driving = { type: "tail", paths: [this.dir.file(`logs/gw-${index}.log`)], channels: "main" };
      this.edges.push(new Agent(`gw-${index}`, this.dir, { sources: { driving }, sinks }));
    }
    for (const agent of [...this.aggregators, ...this.edges]) agent.start();
    this.writing = setInterval(() => this.write(40), 50);
  }

  /** Waits for so many more lines in the logs. */
  async writes(lines: number): Promise<void> {
    const enough = this.lines + lines;
    await until(`${lines} more lines`, () => this.lines >= enough, Boolean, { withinMs: 60_000 });
  }

  /** Waits until the topic has so many more records. */
  async hasMore(records: number): Promise<void> {
    const before = await this.count();
    await this.has(`${records} more`, async () => (await this.count()) >= before + records);
  }

  /** Ends writing: no more lines than now. */
  enough(): void {
    clearInterval(this.writing);
  }

  /** Ends writing and waits until every line is there; reads the topic. */
  async whole(): Promise<Found> {
    this.enough();
    await this.has("as many records as lines", async () => (await this.count()) >= this.written.size);
    await this.has("every line", async () => (await this.read()).missing === 0);
    // What an aggregator still holds, a repeat say, is on its way.
    await Bun.sleep(1_000);
    return await this.read();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.writing);
    for (const agent of [...this.edges, ...this.aggregators]) await agent[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }

  private write(lines: number): void {
    for (let index = 0; index < edgesCount; index++) {
      const text = Array.from({ length: lines }, (_, at) => `gw-${index} line ${this.written.size + at}`);
      for (const line of text) this.written.add(line);
      appendFileSync(this.dir.file(`logs/gw-${index}.log`), text.map((line) => `${line}\n`).join(""));
    }
  }

  private count(): Promise<number> {
    return topicCount(broker.internalAddress, this.topic);
  }

  private async has(what: string, isSo: () => Promise<boolean>): Promise<void> {
    try {
      await until(what, isSo, Boolean, { withinMs: 120_000, everyMs: 100 });
    } catch (cause) {
      throw new Error([...this.edges, ...this.aggregators].map(({ said }) => said).join("\n"), { cause });
    }
  }

  private async read(): Promise<Found> {
    const originsOf = new Map<string, Set<string>>();
    const all = new Set<string>();
    const records = await readTopic(broker.internalAddress, this.topic, ({ value, headers }) => {
      const line = String(value);
      const name = this.take === "batches" ? /(?:^|,)tg=([^,]*)/ : /(?:^|,)origin=([^,]*)/;
      const origin = name.exec(headers)?.[1] ?? "none";
      all.add(origin);
      originsOf.set(line, (originsOf.get(line) ?? new Set()).add(origin));
    });
    const missing = [...this.written].filter((line) => !originsOf.has(line)).length;
    const foreign = [...originsOf.keys()].filter((line) => !this.written.has(line)).length;
    const silent = [...originsOf.values()].filter(({ size }) => size > 1).length;
    return { records, missing, foreign, repeats: records - originsOf.size, origins: all.size, silent };
  }

  get lines(): number {
    return this.written.size;
  }
}

/** The road to an aggregator, on which every fifth answer is lost: what it answers is 504, after the aggregator has it. */
function losingRoad(port: number) {
  const lost = { answers: 0 };
  let asked = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      try {
        const { method, headers, url } = request;
        const body = await request.arrayBuffer();
        const answer = await fetch(`http://127.0.0.1:${port}${new URL(url).pathname}`, { method, headers, body });
        const text = await answer.text();
        if (answer.status !== 200 || ++asked % 5 !== 0) return new Response(text, answer);
        lost.answers++;
      } catch {
        // The aggregator is away.
      }
      return new Response("lost", { status: 504 });
    },
  });
  return { port: Number(server.port), lost, [Symbol.asyncDispose]: () => server.stop(true) };
}

test("one aggregator, killed five times, every fifth answer lost: every line once", async () => {
  await using world = await World.make("one-aggregator", 1, "batches");
  await using road = losingRoad(world.ports[0] ?? 0);
  world.start({ aggregator: { ...sinkTo(road.port), channel: "main" } });
  const [aggregator] = world.aggregators;
  for (let kill = 0; kill < 5; kill++) {
    await world.hasMore(1_500);
    await aggregator?.kill();
    aggregator?.start();
  }
  for (const edge of world.edges) {
    await world.hasMore(500);
    await edge.kill();
    edge.start();
  }
  const found = await world.whole();
  console.log(`one aggregator: ${world.lines} lines, ${road.lost.answers} answers lost, ${JSON.stringify(found)}`);
  expect(road.lost.answers).toBeGreaterThan(0);
  const { lines } = world;
  expect(found).toEqual({ records: lines, missing: 0, foreign: 0, repeats: 0, origins: lines, silent: 0 });
}, 400_000);

/** The centre, and what it has: with a topic, or what is relayed to it. */
class Centre implements AsyncDisposable {
  private child: Child;

  private constructor(
    private readonly launch: () => Child,
    private readonly dir: TempDir,
    readonly port: number,
  ) {
    this.child = launch();
  }

  async kill(): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }

  again(): void {
    this.child = this.launch();
  }

  static async start(topic?: string): Promise<Centre> {
    const dir = tempDir("tailgate-centre-");
    const port = await freePort();
    const kafka = topic === undefined ? {} : { brokers: broker.address, topics: [topic] };
    const options = { ...kafka, group: `centre-${topic}`, store: dir.file("central.db"), port };
    return new Centre(() => startCentral(options), dir, port);
  }

  /** Waits until it has so many lines. */
  async stores(lines: number): Promise<Readonly<Record<string, unknown>>> {
    const status = async () => {
      const answer = await fetch(`http://127.0.0.1:${this.port}/api/v1/status`);
      const { stored, missing, repeated, conflicts, lanes } = Object(await answer.json());
      return { stored, missing, repeated, conflicts, lanes };
    };
    return await until(`${lines} lines in the store`, status, ({ stored }) => stored >= lines, { withinMs: 120_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.dir[Symbol.dispose]();
  }
}

test("no Kafka: edges, an aggregator that is killed five times, the centre: the store has each line once", async () => {
  await using centre = await Centre.start();
  const relay = { type: "relay", channel: "main", url: `http://127.0.0.1:${centre.port}` };
  await using world = await World.make("not-used", 1, "batches", () => ({ out: relay }));
  world.start({ aggregator: { ...sinkTo(world.ports[0] ?? 0), channel: "main" } });
  const [aggregator] = world.aggregators;
  for (let kill = 1; kill <= 5; kill++) {
    await centre.stores(kill * 1_500);
    await aggregator?.kill();
    aggregator?.start();
  }
  await centre.stores(5 * 1_500 + 2_000);
  world.enough();
  const { lines } = world;
  const found = await centre.stores(lines);
  console.log(`no Kafka: ${lines} lines, ${JSON.stringify(found)}`);
  expect(found).toMatchObject({ stored: lines, missing: 0, conflicts: 0 });
}, 400_000);

test("two aggregators bring all to a third; one of them is away with what it holds, and brings it later: nothing is missing", async () => {
  await using centre = await Centre.start();
  using dir = tempDir("tailgate-upper-");
  const port = await freePort();
  const toCentre = { ...sinkTo(centre.port), channel: "main" };
  await using upper = new Agent("upper", dir, {
    sources: { agents: agentsAt(port, "batches") },
    sinks: { out: toCentre },
  });
  upper.start();
  await using world = await World.make("not-used-either", 2, "batches", () => ({
    out: { ...sinkTo(port), channel: "main" },
  }));
  const [first, second] = world.ports.map(sinkTo);
  const pair = { type: "failover", channel: "main", sinks: ["first", "second"], inDoubt: "repeat", maxPenalty: "1s" };
  world.start({ pair, first, second });
  await centre.stores(1_500);
  await upper.kill();
  // The first one takes it, and cannot bring it on.
  await world.writes(1_500);
  await world.aggregators[0]?.kill();
  upper.start();
  const { stored } = await centre.stores(0);
  await centre.stores(Number(stored) + 1_500);
  world.aggregators[0]?.start();
  await world.writes(500);
  world.enough();
  const found = await centre.stores(world.lines);
  console.log(`aggregators in a row: ${world.lines} lines, ${JSON.stringify(found)}`);
  expect(found).toMatchObject({ stored: world.lines, missing: 0, conflicts: 0 });
}, 400_000);

test("two aggregators that stand in for each other: what comes while the centre is away is kept until it is back", async () => {
  await using centre = await Centre.start();
  const ring: SinksOf = (index, ports) => ({
    out: { type: "failover", channel: "main", sinks: ["direct", "other"], inDoubt: "repeat", maxPenalty: "1s" },
    direct: sinkTo(centre.port),
    other: sinkTo(ports[1 - index] ?? 0),
  });
  await using world = await World.make("nor-this", 2, "batches", ring);
  world.start({ aggregator: { ...sinkTo(world.ports[0] ?? 0), channel: "main" } });
  for (let outage = 1; outage <= 2; outage++) {
    await centre.stores(outage * 1_500);
    await centre.kill();
    await world.writes(3_000);
    centre.again();
  }
  await world.writes(500);
  world.enough();
  const found = await centre.stores(world.lines);
  console.log(`a ring: ${world.lines} lines, ${JSON.stringify(found)}`);
  expect(found).toMatchObject({ stored: world.lines, missing: 0, conflicts: 0 });
}, 400_000);

test.each([
  ["failover", "repeat", "batches"],
  ["load_balance", "wait", "events"],
] as const)(
  "two aggregators, %s, inDoubt: %s, take: %s, both killed in turn: every line, each repeat known by its name",
  async (type, inDoubt, take) => {
    const topic = `two-${type.replace("_", "-")}`;
    await using world = await World.make(topic, 2, take);
    await using road = losingRoad(world.ports[0] ?? 0);
    // With `repeat` a lost answer sends the batch to the other one, which takes it too.
    const ports = inDoubt === "repeat" ? [road.port, world.ports[1] ?? 0] : world.ports;
    const [first, second] = ports.map((port) => sinkTo(port));
    const rest = type === "failover" ? { maxPenalty: "1s" } : { maxTimeOut: "1s" };
    world.start({
      pair: { type, channel: "main", sinks: ["first", "second"], inDoubt, ...rest },
      first,
      second,
    });
    for (let kill = 0; kill < 6; kill++) {
      await world.hasMore(1_500);
      const one = world.aggregators[kill % 2];
      await one?.kill();
      // The other one carries on.
      if (inDoubt === "repeat") await world.hasMore(500);
      one?.start();
    }
    const found = await world.whole();
    const { lines } = world;
    console.log(`two aggregators (${type}, ${inDoubt}): ${lines} lines, ${JSON.stringify(found)}`);
    expect(found).toMatchObject({ missing: 0, foreign: 0, origins: lines, silent: 0 });
    expect([found.records - found.repeats, found.repeats > 0]).toEqual([lines, inDoubt === "repeat"]);
    if (take === "events") return;
    // The centre knows each record by the name that its edge gave it: what came on both ways is there once.
    await using centre = await Centre.start(topic);
    const stored = await centre.stores(lines);
    console.log(`the store: ${JSON.stringify(stored)}`);
    expect(stored).toMatchObject({ stored: lines, missing: 0, repeated: found.repeats, conflicts: 0 });
  },
  400_000,
);
