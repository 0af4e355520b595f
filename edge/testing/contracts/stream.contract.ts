/**
 * What every source promises that takes messages over connections and gives no answer (edge/listeners/). A source says how
 * a message looks on the wire, and what it lacks; that is printed.
 */
import { expect } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { SourceDefinition } from "../../core/define.ts";
import { Client } from "../../listeners/testing/client.ts";
import { CommittedWork } from "../fakes/intake.ts";
import { type RunningSource, runSource, sourceContext } from "../fakes/running-source.ts";
import { checkProperties, type Lacks } from "./properties.ts";

/** How the senders of a source speak. */
export interface StreamSenders {
  readonly definition: SourceDefinition;
  /** Listens on any free port of loopback; messages are 1,000 bytes at most. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Changes of the config by which it listens on this port. */
  readonly at: (port: number) => Readonly<Record<string, unknown>>;
  /** The bytes (latin1) of one message with this body, such that the body of the event is the same. */
  readonly message: (body: string) => string;
}

class Fixture implements AsyncDisposable {
  readonly dir = tempDir();
  readonly work = new CommittedWork();
  private readonly runs: RunningSource[] = [];
  private readonly clients: Client[] = [];

  constructor(readonly senders: StreamSenders) {}

  async run(changes: Readonly<Record<string, unknown>> = {}): Promise<RunningSource> {
    const { definition, config } = this.senders;
    const run = runSource({ definition, config: { ...config, ...changes }, dataDir: this.dir.path, work: this.work });
    this.runs.push(run);
    await until("the source to listen", () => portOf(run) > 0);
    return run;
  }

  connect(run: RunningSource): Client {
    const client = new Client({ port: portOf(run) });
    this.clients.push(client);
    return client;
  }

  /** One who sends all of this and leaves. */
  send(run: RunningSource, ...bodies: readonly string[]): void {
    const client = this.connect(run);
    client.send(bodies.map(this.senders.message).join(""));
    client.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client[Symbol.dispose]();
    for (const run of this.runs) {
      run.intake.unblock();
      await run.crash();
    }
    this.dir[Symbol.dispose]();
  }
}

function portOf(run: RunningSource): number {
  return run.isLoaded ? Number(run.source.status().port ?? 0) : 0;
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `message ${from + index}`);

const arrived = (run: RunningSource, count: number) =>
  until(
    `${count} messages`,
    () => run.intake.lines.length,
    (seen) => seen >= count,
  );

const properties = {
  "its example is a valid config": async (f: Fixture) => {
    const { definition } = f.senders;
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ ...Object(definition.example), noSuchField: 1 })).toMatchObject({ ok: false });
  },
  "messages of a sender arrive once and in order": async (f: Fixture) => {
    const run = await f.run();
    f.send(run, ...numbered(5_000));
    await arrived(run, 5_000);
    expect(run.intake.lines).toEqual(numbered(5_000));
  },
  "bytes pass untouched": async (f: Fixture) => {
    const run = await f.run();
    const odd = ["nul\u0000", "\u00ff\u00fe", "  two", "tab\t", "\u00c3\u00a9"];
    f.send(run, ...odd);
    await arrived(run, odd.length);
    expect(run.intake.lines).toEqual(odd);
  },
  "messages that come byte by byte arrive": async (f: Fixture) => {
    const run = await f.run();
    const client = f.connect(run);
    for (const byte of f.senders.message("one") + f.senders.message("two")) {
      client.send(byte);
      await Bun.sleep(1);
    }
    await arrived(run, 2);
    expect(run.intake.lines).toEqual(["one", "two"]);
  },
  "a hundred senders at once are all taken": async (f: Fixture) => {
    const run = await f.run();
    for (let index = 0; index < 100; index++) f.send(run, ...numbered(10, index * 10));
    await arrived(run, 1_000);
    expect(run.intake.lines.toSorted()).toEqual(numbered(1_000).toSorted());
  },
  "while the channel is full nothing is appended, and senders wait": async (f: Fixture) => {
    const run = await f.run();
    run.intake.block();
    const client = f.connect(run);
    // More than all buffers on the way hold.
    const sent = numbered(16_000).map((body) => body.padEnd(900, "."));
    client.send(sent.map(f.senders.message).join(""));
    await until("the source to wait", () => run.intake.waits > 0);
    await Bun.sleep(50);
    expect(run.intake.lines).toEqual([]);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    run.intake.unblock();
    await arrived(run, sent.length);
    expect(run.intake.lines.at(-1)).toBe(sent.at(-1) ?? "");
  },
  "a message that is too long is cut, marked and counted, and others go on": async (f: Fixture) => {
    const run = await f.run();
    f.send(run, "before", "x".repeat(3_000_000), "after");
    await arrived(run, 3);
    expect(run.intake.counter("cut")).toBe(1);
    expect(run.intake.counter("cut_bytes")).toBeGreaterThan(2_900_000);
    const [before, cut = "", after] = run.intake.lines;
    expect([before, after]).toEqual(["before", "after"]);
    expect(cut.length).toBeLessThanOrEqual(1_000);
    expect(cut).toContain("xxx");
  },
  "half a message holds up no other sender": async (f: Fixture) => {
    const run = await f.run();
    const slow = f.connect(run);
    slow.send(f.senders.message("slow").slice(0, -2));
    f.send(run, "quick");
    await arrived(run, 1);
    expect(run.intake.lines).toEqual(["quick"]);
    slow.socket.resetAndDestroy();
    f.send(run, "another");
    await arrived(run, 2);
  },
  "noise stops neither the source nor others": async (f: Fixture) => {
    const run = await f.run();
    for (const noise of [
      "\u0000".repeat(5_000),
      "\u0016\u0003\u0001\u0002\u0000",
      "9".repeat(3_000),
      "\n\n\r\n",
      "<",
    ]) {
      const client = f.connect(run);
      client.send(noise);
      client.end();
    }
    f.send(run, "a");
    await until("the message", () => run.intake.lines.includes("a"));
  },
  "what was received before a stop is taken": async (f: Fixture) => {
    const run = await f.run();
    const client = f.connect(run);
    client.send(f.senders.message("a"));
    await arrived(run, 1);
    run.intake.block();
    client.send(f.senders.message("b"));
    await until("it to be waited for", () => run.intake.waits > 1);
    run.intake.unblock();
    await run.stop();
    expect(f.work.lines).toEqual(["a", "b"]);
  },
  "room that others have used meanwhile is waited for": async (f: Fixture) => {
    const run = await f.run();
    const client = f.connect(run);
    client.send(f.senders.message("a"));
    await arrived(run, 1);
    run.intake.takenByOthers = 3;
    client.send(numbered(3).map(f.senders.message).join(""));
    await arrived(run, 4);
    expect(client.isLeft).toBe(false);
  },
  "it stops while it waits for room": async (f: Fixture) => {
    const run = await f.run();
    run.intake.block();
    f.send(run, "a");
    await until("the source to wait", () => run.intake.waits > 0);
    await run.crash();
    expect(run.intake.lines).toEqual([]);
  },
  "a connection too many is refused and counted": async (f: Fixture) => {
    const run = await f.run({ connectionsMax: 2 });
    const clients = [f.connect(run), f.connect(run)];
    await Promise.all(clients.map((client) => client.connected()));
    await until("both", () => JSON.stringify(run.source.status()).includes('"connections":2'));
    const third = f.connect(run);
    await until("the refusal", () => third.isLeft);
    expect(JSON.stringify(run.source.status())).toContain('"refused":{"cap":1}');
  },
  "a port that is taken is said": async (f: Fixture) => {
    const port = portOf(await f.run());
    const { definition, config, at } = f.senders;
    const second = runSource({ definition, config: { ...config, ...at(port) }, dataDir: f.dir.path });
    await expect(second.ended).rejects.toThrow(expect.objectContaining({ code: "EDGE_LISTEN" }));
  },
  "after a restart the same port is there again": async (f: Fixture) => {
    const first = await f.run();
    const port = portOf(first);
    f.send(first, "a");
    await arrived(first, 1);
    await first.stop();
    const second = await f.run(f.senders.at(port));
    f.send(second, "b");
    await arrived(second, 2);
    expect(second.intake.lines).toEqual(["a", "b"]);
  },
  "its status is made of plain values": async (f: Fixture) => {
    const run = await f.run();
    const status = run.source.status();
    expect(JSON.parse(JSON.stringify(status))).toEqual({ ...status });
  },
  "stopping is harmless when it was never started, and twice": async (f: Fixture) => {
    const reading = f.senders.definition.read(f.senders.config);
    if (!reading.ok) throw new Error("the config is not valid");
    const source = await reading.value.create(sourceContext(f.dir.path));
    await source.stop();
    await source.stop();
  },
};

/** Holds a source to them. */
export function streamContract(name: string, senders: StreamSenders, lacks: Lacks<typeof properties> = {}): void {
  checkProperties(`stream source ${name}`, properties, lacks, async () => new Fixture(senders));
}
