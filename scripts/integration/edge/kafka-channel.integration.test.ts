/**
 * The kafka channel on a real broker: source and sink through the topic, an agent that is killed with -9 again and again, a
 * broker that is stopped and started. What stands in the topic is read by kcat.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../shared/random/random.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic, topicCount, topicRecords } from "../../drivers/kafka/topic.ts";

const main = join(import.meta.dir, "../../../edge/main.ts");
const dir = tempDir();
const within = { withinMs: 120_000, everyMs: 100 };
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

interface AgentStatus {
  readonly channels: Readonly<Record<string, { events: number; admission: string; details: Record<string, unknown> }>>;
  readonly books: readonly Readonly<Record<string, number | string>>[];
}

/** An agent of its own folder; it can be killed and started again. */
class Agent implements AsyncDisposable {
  private child: Child | undefined;

  private constructor(
    private readonly name: string,
    private readonly port: number,
  ) {}

  static async start(name: string, config: object): Promise<Agent> {
    const port = await freePort();
    const agent = new Agent(name, port);
    const shared = { agent: name, dataDir: dir.file(`${name}-data`), linger: "10ms" };
    const whole = { ...shared, admin: { address: `127.0.0.1:${port}` }, ...config };
    writeFileSync(dir.file(`${name}.yaml`), JSON.stringify(whole));
    await agent.restart();
    return agent;
  }

  async restart(): Promise<void> {
    this.child = startChild({ command: [process.execPath, main, "run", dir.file(`${this.name}.yaml`)], cwd: dir.path });
    const ready = async () => (await fetch(`http://127.0.0.1:${this.port}/readyz`)).ok;
    await until("the agent to be ready", ready, Boolean, { withinMs: 30_000 });
  }

  get log(): string {
    return `${this.child?.stdout}${this.child?.stderr}`;
  }

  async status(): Promise<AgentStatus> {
    return (await (await fetch(`http://127.0.0.1:${this.port}/status`)).json()) as AgentStatus;
  }

  async metrics(): Promise<string> {
    return await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
  }

  async kill(): Promise<void> {
    await this.child?.kill();
  }

  async stop(): Promise<void> {
    await this.child?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }
}

const channelOf = (topic: string, more: object = {}) => ({
  type: "kafka",
  brokers: [broker.address],
  topic,
  sessionTimeout: "6s",
  commitInterval: "200ms",
  ...more,
});

const sinkTo = (topic: string, channel = "main") => ({
  type: "kafka",
  channel,
  brokers: [broker.address],
  topic,
  partition: "agent",
});

/** How often each value stands there. */
function counted(values: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

test("killed with -9 at random: nothing of a file is lost, and what the topic has is delivered once, in order", async () => {
  for (const topic of ["through", "out"])
    await createTopic(broker.internalAddress, topic, { partitions: topic === "out" ? 1 : 3 });
  const random = seededRandom(23);
  let written = 0;
  const append = (count: number) => {
    const lines = Array.from(
      { length: count },
      () => `car-${written % 7} line ${written++} ${"x".repeat(written % 90)}\n`,
    );
    appendFileSync(dir.file("a.log"), lines.join(""));
  };
  append(1_000);
  await using agent = await Agent.start("killed", {
    sources: {
      file: {
        type: "tail",
        paths: ["a.log"],
        pollInterval: "20ms",
        interceptors: [{ type: "regex_extractor", key: "^(car-\\d)" }],
        channels: "main",
      },
    },
    channels: { main: channelOf("through", { parseAsFlumeEvent: false }) },
    sinks: { out: sinkTo("out") },
  });
  const total = 60_000;
  const out = () => topicCount(broker.internalAddress, "out");
  for (let kill = 1; kill <= 6; kill++) {
    append(4_000);
    const before = await out();
    await until("some more to arrive", out, (count) => count > before, { ...within, everyMs: 20 });
    append(4_000);
    await Bun.sleep(random.next() * 150);
    await agent.kill();
    append(100);
    await agent.restart();
  }
  append(total - written);
  const distinct = async () =>
    new Set((await topicRecords(broker.internalAddress, "out")).map(({ value }) => String(value))).size;
  await until("all lines", distinct, (count) => count === total, within);
  const through = await topicRecords(broker.internalAddress, "through");
  await until("as many as the topic has", out, (count) => count >= through.length, within);
  await agent.stop();
  const arrived = await topicRecords(broker.internalAddress, "out");
  const [put, delivered] = [through, arrived].map((records) => counted(records.map(({ value }) => String(value))));
  console.log(
    `killed six times: ${total} lines, ${through.length} in the topic (repeats of the way in: ${through.length - total}), delivered ${arrived.length}`,
  );
  expect(put?.size).toBe(total);
  expect(delivered).toEqual(put as ReadonlyMap<string, number>);
  // Of each partition what was delivered is what stands there, in that order.
  for (const partition of [0, 1, 2]) {
    const inTopic = through.filter((record) => record.partition === partition).map(({ value }) => String(value));
    const keys = new Set(inTopic.map((value) => value.slice(0, 5)));
    const inOut = arrived.map(({ value }) => String(value)).filter((value) => keys.has(value.slice(0, 5)));
    expect(inOut).toEqual(inTopic);
  }
}, 400_000);

test("broker away: blocked and said, a sender is not answered; back again: everything arrives once", async () => {
  for (const topic of ["shut", "opened"]) await createTopic(broker.internalAddress, topic);
  const port = await freePort();
  await using agent = await Agent.start("away", {
    sources: {
      push: { type: "http", address: `127.0.0.1:${port}`, format: "lines", channels: "main" },
      file: { type: "tail", paths: ["b.log"], pollInterval: "20ms", channels: "main" },
    },
    channels: { main: channelOf("shut", { capacity: "1MiB", compression: "none" }) },
    sinks: { out: sinkTo("opened") },
  });
  const post = async (body: string) => (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body })).status;
  expect(await post("while it is there\n")).toBe(200);
  await broker.kill();
  let answered: number | undefined;
  const waiting = post("while it is away\n").then((status) => {
    answered = status;
  });
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${"x".repeat(100)}\n`);
  appendFileSync(dir.file("b.log"), lines.join(""));
  const blocked = async () => (await agent.status()).channels.main?.admission;
  await until("the channel to be full", blocked, (admission) => admission === "blocked", within);
  await until(
    "the log to say so",
    () => agent.log,
    (log) => /channel_full/.test(log) && /kafka_channel_away/.test(log),
    within,
  );
  const page = await agent.metrics();
  expect(page).toContain('tailgate_channel_full{channel="main"} 1');
  expect(page).toContain('tailgate_kafka_channel_away{channel="main"} 1');
  const away = await agent.status();
  expect(String(away.channels.main?.details.away)).not.toBe("undefined");
  expect(away.channels.main?.events).toBeGreaterThan(5_000);
  expectBalanced(away);
  expect(answered).toBeUndefined();
  await broker.start();
  await waiting;
  expect(answered).toBe(200);
  const arrived = async () => topicRecords(broker.internalAddress, "opened");
  const all = await until("everything", arrived, (records) => records.length >= 20_002, within);
  const counts = counted(all.map(({ value }) => String(value)));
  expect([counts.size, all.length]).toEqual([20_002, 20_002]);
  const after = await until(
    "nothing held",
    () => agent.status(),
    ({ channels }) => channels.main?.events === 0,
    within,
  );
  expectBalanced(after);
  expect([after.channels.main?.admission, after.channels.main?.details.away]).toEqual(["open", undefined]);
  expect(await agent.metrics()).toContain('tailgate_kafka_channel_away{channel="main"} 0');
}, 300_000);

test("check --connect tries the topic, and leaves nothing there", async () => {
  await createTopic(broker.internalAddress, "there", { partitions: 2 });
  const check = (topic: string, address: string) => {
    const channel = { type: "kafka", brokers: [address], topic, connectTimeout: "2s" };
    const config = { agent: "gw", dataDir: dir.file("never"), sources: {}, channels: { main: channel } };
    writeFileSync(
      dir.file("check.yaml"),
      JSON.stringify({ ...config, sinks: { out: { type: "null", channel: "main" } } }),
    );
    const { stdout, exitCode } = Bun.spawnSync([process.execPath, main, "check", "--connect", dir.file("check.yaml")]);
    return { said: stdout.toString(), exitCode };
  };
  const well = check("there", broker.address);
  expect(well.said).toMatch(/^channel main: topic there: 2 partitions: may be written to, may be read$/m);
  expect(well.said).toMatch(/^channel main: 127\.0\.0\.1:\d+ \(leads there\): answers$/m);
  expect(well.exitCode).toBe(0);
  const missing = check("nowhere", broker.address);
  expect([missing.exitCode, missing.said]).toEqual([1, expect.stringContaining("KAFKA_TOPIC_MISSING")]);
  const away = check("there", `127.0.0.1:${await freePort()}`);
  expect([away.exitCode, away.said]).toEqual([1, expect.stringContaining("KAFKA_UNREACHABLE")]);
}, 60_000);

/** The books of both streams: read is the sum of what became of the events. */
function expectBalanced({ books }: AgentStatus): void {
  expect(books.length).toBe(2);
  for (const { read, filtered, elsewhere, unselected, dropped, shed, dead, sent, held } of books) {
    const parts = [filtered, elsewhere, unselected, dropped, shed, dead, sent, held];
    expect(parts.reduce((sum: number, part) => sum + Number(part), 0)).toBe(Number(read));
  }
}
