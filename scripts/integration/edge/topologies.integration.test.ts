/** The topologies of the examples, run as they are: a process, files, and collectors that come and go. */
import { expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const edge = join(import.meta.dir, "../../../edge");

/** An agent on an example, with folders of its own. */
class Example implements AsyncDisposable {
  private child: Child;

  constructor(
    private readonly name: string,
    private readonly folder: TempDir,
    private readonly env: Readonly<Record<string, string>> = {},
  ) {
    for (const part of ["logs", "data", "out"]) mkdirSync(folder.file(part), { recursive: true });
    this.child = this.start();
  }

  write(file: string, ...lines: readonly string[]): void {
    appendFileSync(this.folder.file(`logs/${file}`), lines.map((line) => `${line}\n`).join(""));
  }

  /** Lines of a stream in the lake, also of files that are still in progress. */
  lake(stream: string): string[] {
    const folder = this.folder.file("out");
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const own = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path.includes(stream));
    return own.flatMap((path) =>
      readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    );
  }

  /** -9, and a start. */
  async killAndStart(): Promise<void> {
    await this.kill();
    this.revive();
  }

  async kill(): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }

  revive(): void {
    this.child = this.start();
  }

  async has(what: string, isSo: () => boolean): Promise<void> {
    try {
      await until(what, isSo, Boolean, { withinMs: 60_000 });
    } catch (cause) {
      throw new Error(this.child.stderr.slice(-3_000), { cause });
    }
  }

  /** Waits until its channels hold nothing: `channel ls` beside it says so. */
  async drained(): Promise<void> {
    const { folder } = this;
    await this.has("the channels to run empty", () => {
      const command = [
        process.execPath,
        join(edge, "main.ts"),
        "channel",
        "stat",
        "--json",
        "--data",
        folder.file("data"),
      ];
      const { stdout } = Bun.spawnSync(command, { stdout: "pipe", stderr: "ignore" });
      const { channels } = z
        .object({ channels: z.array(z.object({ events: z.number() })) })
        .parse(JSON.parse(stdout.toString()));
      return channels.every(({ events }) => events === 0);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }

  private start(): Child {
    const { folder } = this;
    const command = [process.execPath, join(edge, "main.ts"), "run", "--force"];
    return startChild({
      name: "edge",
      command: [...command, "--config", join(edge, "examples", this.name)],
      env: {
        TAILGATE_LOGS: folder.file("logs"),
        TAILGATE_DATA: folder.file("data"),
        TAILGATE_OUT: folder.file("out"),
        ...this.env,
      },
    });
  }
}

/** A collector that keeps the bodies of what it is posted, by id. */
function collector(port = 0) {
  const bodies = new Map<string, string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: async (request) => {
      for (const line of (await request.text()).split("\n").filter((each) => each !== "")) {
        const { id, body }: { id: string; body: string } = JSON.parse(line);
        bodies.set(id, body);
      }
      return new Response("");
    },
  });
  return { bodies, server, url: String(server.url) };
}

test("topology 1: one flow, killed in the middle: every line once", async () => {
  await using example = new Example("topology-one-flow.yaml", tempDir());
  example.write("driving.log", "one", "two");
  await example.has("two lines in the lake", () => example.lake("driving").length === 2);
  await example.killAndStart();
  example.write("driving.log", "three");
  await example.has("three lines in the lake", () => example.lake("driving").length >= 3);
  expect(example.lake("driving").toSorted()).toEqual(["one", "three", "two"]);
}, 120_000);

test("topology 2: filtered, routed, two flows; the second collector stands in while the first is away", async () => {
  const [near, far] = [collector(), collector()];
  const env = { COLLECTOR_NEAR: near.url, COLLECTOR_FAR: far.url };
  await using example = new Example("topology-routing.yaml", tempDir(), env);
  const event = (kind: string, seq: number) => `{"car":"KA-1","kind":"${kind}","seq":${seq}}`;
  example.write("driving.log", event("alarm", 1), event("speed", 2), event("debug", 3));
  example.write("status.log", "ready");
  await example.has("the first alarm", () => near.bodies.size === 1);
  await example.has("the lake to have the others", () => example.lake("driving").length === 2);
  await example.has("the other flow", () => example.lake("status").length === 1);
  expect(example.lake("status")).toEqual(["ready"]);

  const { port } = near.server;
  await near.server.stop(true);
  example.write("driving.log", event("alarm", 4));
  await example.has("an alarm at the second collector", () => far.bodies.size === 1);
  await example.killAndStart();
  example.write("driving.log", event("alarm", 5));
  await example.has("another one", () => far.bodies.size >= 2);

  const back = collector(port);
  await Bun.sleep(1_500);
  for (let seq = 6; !(back.bodies.size > 0) && seq < 30; seq++) {
    example.write("driving.log", event("alarm", seq));
    await Bun.sleep(1_200);
  }
  expect(back.bodies.size).toBeGreaterThan(0);
  const all = new Set([...near.bodies.values(), ...far.bodies.values(), ...back.bodies.values()]);
  for (const seq of [1, 4, 5]) expect(all).toContain(event("alarm", seq));
  expect(all).not.toContain(event("speed", 2));
  await Promise.all([far.server.stop(true), back.server.stop(true)]);
}, 120_000);

/** An aggregator of the examples, on a port of its own. */
async function aggregator(name: string): Promise<{ readonly example: Example; readonly url: string }> {
  const port = await freePort();
  const env = { AGENT: name, LISTEN: `127.0.0.1:${port}` };
  return { example: new Example("topology-aggregator.yaml", tempDir(), env), url: `http://127.0.0.1:${port}/` };
}

/** What is not as it was written: never there, or there more than once. */
function compare(written: readonly string[], there: readonly string[]) {
  const seen = new Map<string, number>();
  for (const line of there) seen.set(line, (seen.get(line) ?? 0) + 1);
  const missing = written.filter((line) => !seen.has(line)).length;
  return { missing, repeated: there.length - seen.size, foreign: seen.size - (written.length - missing) };
}

const whole = { missing: 0, repeated: 0, foreign: 0 };

/** Waits until nothing is missing; then what comes late would have to be there, too. */
async function untilWhole(agent: Example, written: readonly string[], there: () => readonly string[]): Promise<void> {
  await agent.has("all lines at the aggregators", () => compare(written, there()).missing === 0);
  await agent.drained();
  expect(compare(written, there())).toEqual(whole);
}

test("topology 3: shared out and copied; each of four collectors killed in turn: both ways bring every line once", async () => {
  const collectors = await Promise.all(["first", "second", "third", "deputy"].map(aggregator));
  const [first, second, third, deputy] = collectors.map(({ example }) => example);
  if (first === undefined || second === undefined || third === undefined || deputy === undefined)
    throw new Error("four");
  const names = ["FIRST", "SECOND", "THIRD", "DEPUTY"];
  const env = Object.fromEntries(names.map((name, index) => [name, collectors[index]?.url ?? ""]));
  await using agent = new Example("topology-agents.yaml", tempDir(), env);
  const written: string[] = [];
  const write = async (seconds: number) => {
    for (let turn = 0; turn < seconds * 10; turn++) {
      const lines = Array.from({ length: 50 }, (_, at) => `line ${written.length + at} ${"x".repeat(50)}`);
      written.push(...lines);
      agent.write("driving.log", ...lines);
      await Bun.sleep(100);
    }
  };
  const shared = () => [first, second].flatMap((each) => each.lake("agents"));
  const copied = () => [third, deputy].flatMap((each) => each.lake("agents"));
  try {
    await write(1);
    for (const each of [first, third, second, deputy]) {
      await each.kill();
      await write(2);
      each.revive();
      await write(1);
    }
    // A batch that was under way when it was killed waits for it: then its deputy had nothing to do. So nothing is under way.
    for (let again = 0; again < 8 && deputy.lake("agents").length === 0; again++) {
      await agent.drained();
      await third.kill();
      await write(2);
      third.revive();
      await write(1);
    }
    await agent.killAndStart();
    await write(1);
    await untilWhole(agent, written, shared);
    await untilWhole(agent, written, copied);
    expect(Math.min(first.lake("agents").length, second.lake("agents").length)).toBeGreaterThan(0);
    expect(deputy.lake("agents").length).toBeGreaterThan(0);
    console.log(
      `topology 3: ${written.length} lines, two ways, each collector and the agent killed: missing 0, repeated 0`,
    );
  } finally {
    for (const { example } of collectors) await example[Symbol.asyncDispose]();
  }
}, 240_000);

test("topology 4: many agents, two aggregators, the first killed under load: every line is at one of them, once", async () => {
  const [first, second] = [await aggregator("first"), await aggregator("second")];
  const agents = Array.from(
    { length: 4 },
    (_, index) =>
      new Example("topology-many-agents.yaml", tempDir(), {
        AGENT: `gw-${index}`,
        FIRST: first.url,
        SECOND: second.url,
      }),
  );
  const written: string[] = [];
  const write = async (seconds: number) => {
    for (let turn = 0; turn < seconds * 10; turn++) {
      for (const [index, agent] of agents.entries()) {
        const lines = Array.from({ length: 50 }, (_, at) => `gw-${index} line ${written.length + at}`);
        written.push(...lines);
        agent.write("driving.log", ...lines);
      }
      await Bun.sleep(100);
    }
  };
  const there = () => [first, second].flatMap(({ example }) => example.lake("agents"));
  try {
    await write(1);
    // As above: a kill may find a batch of each agent under way.
    for (let kill = 0; kill < 3 || (kill < 10 && second.example.lake("agents").length === 0); kill++) {
      await first.example.kill();
      await write(2);
      first.example.revive();
      await write(1);
    }
    for (const agent of agents) await untilWhole(agent, written, there);
    expect(second.example.lake("agents").length).toBeGreaterThan(0);
    console.log(
      `topology 4: ${written.length} lines of four agents, the first aggregator killed again and again: missing 0, repeated 0`,
    );
  } finally {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    for (const { example } of [first, second]) await example[Symbol.asyncDispose]();
  }
}, 240_000);
