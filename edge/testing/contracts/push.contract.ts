/**
 * What every push source promises (edge/records/push-desk.ts), one property a test. A source says how its senders speak
 * (`PushFixture`) and what it cannot do; what it lacks is printed.
 */
import { expect } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { SourceDefinition } from "../../core/define.ts";
import { limits } from "../../core/limits.ts";
import { CommittedWork } from "../fakes/intake.ts";
import { type RunningSource, runSource, sourceContext } from "../fakes/running-source.ts";
import { checkProperties, type Lacks } from "./properties.ts";

/** An event as a sender means it; the body in latin1, one character a byte. */
export interface SentEvent {
  readonly body: string;
  readonly key?: string;
  readonly eventTimeMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a sender heard. `nothing`: its connection ended without an answer. */
export type SenderHeard = "stored" | "in memory" | "not taken" | "refused for ever" | "may be taken" | "nothing";

/** How the senders of a source speak. */
export interface PushSenders {
  readonly definition: SourceDefinition;
  readonly config: Readonly<Record<string, unknown>>;
  /** Changes of the config: at most two senders wait; a sender waits a second or two at most: longer than a loaded machine takes for a commit. */
  readonly twoSenders: Readonly<Record<string, unknown>>;
  readonly impatient: Readonly<Record<string, unknown>>;
  /** One sender's whole turn. When the signal aborts the sender leaves. */
  send(source: RunningSource, events: readonly SentEvent[], signal?: AbortSignal): Promise<SenderHeard>;
  /** Sends what is not of the protocol. */
  sendGarbage?(source: RunningSource): Promise<SenderHeard>;
  /** Connects, sends half of something, and stays. Returns how to leave. */
  sendHalf?(source: RunningSource): Promise<() => void>;
}

class Fixture implements AsyncDisposable {
  readonly dir = tempDir();
  readonly work = new CommittedWork();
  private readonly runs: RunningSource[] = [];

  constructor(readonly senders: PushSenders) {}

  async run(changes: Readonly<Record<string, unknown>> = {}): Promise<RunningSource> {
    const { definition, config } = this.senders;
    const run = runSource({ definition, config: { ...config, ...changes }, dataDir: this.dir.path, work: this.work });
    this.runs.push(run);
    await until("the source to listen", () => isListening(run));
    return run;
  }

  send(run: RunningSource, ...bodies: readonly string[]): Promise<SenderHeard> {
    return this.senders.send(
      run,
      bodies.map((body) => ({ body })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.runs) {
      run.intake.unblock();
      await run.crash();
    }
    this.dir[Symbol.dispose]();
  }
}

function isListening(run: RunningSource): boolean {
  try {
    return run.source.status().port !== undefined;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.message.includes("not loaded")) return false;
    throw thrown;
  }
}

/** Long enough for an answer that must not come. */
const notYet = () => Bun.sleep(60);
const bodies = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `event ${from + index}`);

const properties = {
  "its example is a valid config": async (f: Fixture) => {
    const { definition } = f.senders;
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ ...Object(definition.example), noSuchField: 1 })).toMatchObject({ ok: false });
  },
  "a sender is told that its events are stored": async (f: Fixture) => {
    const run = await f.run();
    expect(await f.send(run, "one", "two")).toBe("stored");
    expect(f.work.lines).toEqual(["one", "two"]);
  },
  "key, time and headers arrive": async (f: Fixture) => {
    const run = await f.run();
    const sent = { body: "a", key: "KA-1", eventTimeMs: 1_700_000_000_000, headers: { area: "north" } };
    expect(await f.senders.send(run, [sent])).toBe("stored");
    expect(f.work.events).toEqual([sent]);
  },
  "bytes pass untouched": async (f: Fixture) => {
    const run = await f.run();
    const odd = ["\u0000nul", "\u00ff\u00fe", "", "  ", "two\nlines\r\n", "\u00c3\u00a9"];
    expect(await f.send(run, ...odd)).toBe("stored");
    expect(f.work.lines).toEqual(odd);
  },
  "a sender's events keep their order": async (f: Fixture) => {
    const run = await f.run();
    for (let turn = 0; turn < 5; turn++) expect(await f.send(run, ...bodies(20, turn * 20))).toBe("stored");
    expect(f.work.lines).toEqual(bodies(100));
  },
  "a hundred parallel senders ride in at most three commits, and all are told": async (f: Fixture) => {
    const run = await f.run();
    const heard = await Promise.all(bodies(100).map((body) => f.send(run, body)));
    expect(heard).toEqual(heard.map(() => "stored" as const));
    expect(f.work.lines.toSorted()).toEqual(bodies(100).toSorted());
    expect(run.intake.commitsAsked).toBeLessThanOrEqual(3);
  },
  "nobody is told before the commit": async (f: Fixture) => {
    const run = await f.run();
    run.intake.holdCommits();
    let heard: SenderHeard | undefined;
    const sending = f.send(run, "a").then((answer) => {
      heard = answer;
    });
    await until("the event to be appended", () => run.intake.pending.length === 1);
    await notYet();
    expect(heard).toBeUndefined();
    run.intake.unblock();
    await sending;
    expect(heard).toBe("stored");
  },
  "while the channel is full senders wait, and nothing is appended": async (f: Fixture) => {
    const run = await f.run();
    run.intake.block();
    const sending = f.send(run, "a");
    await notYet();
    expect(run.intake.lines).toEqual([]);
    run.intake.unblock();
    expect(await sending).toBe("stored");
  },
  "a channel that stays full is said, and nothing was taken": async (f: Fixture) => {
    const run = await f.run(f.senders.impatient);
    run.intake.block();
    expect(await f.send(run, "a")).toBe("not taken");
    run.intake.unblock();
    expect(await f.send(run, "b")).toBe("stored");
    expect(f.work.lines).toEqual(["b"]);
  },
  "a commit that stays away after events were appended is not said to be a refusal": async (f: Fixture) => {
    const run = await f.run(f.senders.impatient);
    run.intake.holdCommits();
    expect(["may be taken", "nothing"]).toContain(await f.send(run, "a"));
  },
  "more senders than may wait are refused at once, the others are served": async (f: Fixture) => {
    const run = await f.run(f.senders.twoSenders);
    run.intake.block();
    const sending = bodies(6).map((body) => f.send(run, body));
    await notYet();
    run.intake.unblock();
    const heard = await Promise.all(sending);
    expect(heard.filter((each) => each === "stored").length).toBe(2);
    expect(heard.filter((each) => each === "not taken").length).toBe(4);
    expect(f.work.lines.length).toBe(2);
  },
  "an event that is too large is refused for ever, and others go on": async (f: Fixture) => {
    const run = await f.run();
    expect(await f.send(run, "x".repeat(limits.lineBytesMax + 1))).toBe("refused for ever");
    expect(await f.send(run, "x".repeat(limits.lineBytesMax))).toBe("stored");
    expect(f.work.lines.map((line) => line.length)).toEqual([limits.lineBytesMax]);
  },
  "of a push with one event too large nothing is taken": async (f: Fixture) => {
    const run = await f.run();
    expect(await f.send(run, "a", "x".repeat(limits.lineBytesMax + 1))).toBe("refused for ever");
    expect(run.intake.lines).toEqual([]);
  },
  "an empty push is answered and brings nothing": async (f: Fixture) => {
    const run = await f.run();
    expect(await f.send(run)).toBe("stored");
    expect(f.work.lines).toEqual([]);
  },
  "what is not of the protocol is refused, and others go on": async (f: Fixture) => {
    const run = await f.run();
    expect(["refused for ever", "nothing"]).toContain(
      (await f.senders.sendGarbage?.(run)) ?? "no way to send garbage was given",
    );
    expect(await f.send(run, "a")).toBe("stored");
    expect(f.work.lines).toEqual(["a"]);
  },
  "a slow sender holds up no other, and when it leaves it brings nothing half": async (f: Fixture) => {
    const run = await f.run();
    const leave = await f.senders.sendHalf?.(run);
    expect(await f.send(run, "a")).toBe("stored");
    leave?.();
    await notYet();
    expect(run.intake.lines).toEqual(["a"]);
  },
  "a sender that leaves while it waits for room brings nothing": async (f: Fixture) => {
    const run = await f.run();
    run.intake.block();
    const leaving = new AbortController();
    const sending = f.senders.send(run, [{ body: "a" }], leaving.signal);
    await notYet();
    leaving.abort();
    expect(await sending).toBe("nothing");
    await notYet();
    run.intake.unblock();
    expect(await f.send(run, "b")).toBe("stored");
    expect(f.work.lines).toEqual(["b"]);
  },
  "an answer that is lost: sent again, no event is missing": async (f: Fixture) => {
    const run = await f.run();
    run.intake.holdCommits();
    const leaving = new AbortController();
    const sending = f.senders.send(run, [{ body: "a" }], leaving.signal);
    await until("the event to be appended", () => run.intake.pending.length === 1);
    leaving.abort();
    expect(await sending).toBe("nothing");
    run.intake.unblock();
    expect(await f.send(run, "a")).toBe("stored");
    expect(f.work.lines).toEqual(["a", "a"]);
  },
  "stopped in the middle, senders who wait hear that nothing was taken": async (f: Fixture) => {
    const run = await f.run();
    run.intake.block();
    const sending = bodies(5).map((body) => f.send(run, body));
    await notYet();
    await run.crash();
    expect(["not taken", "nothing"]).toContain((await Promise.all(sending))[0] ?? "");
    expect(run.intake.lines).toEqual([]);
  },
  "stopped before the commit was certain, nobody is told that it is stored": async (f: Fixture) => {
    const run = await f.run();
    run.intake.holdCommits();
    const sending = f.send(run, "a");
    await until("the event to be appended", () => run.intake.pending.length === 1);
    await run.crash();
    expect(["may be taken", "nothing"]).toContain(await sending);
  },
  "killed at any moment, nothing that was said to be stored is missing": async (f: Fixture) => {
    const told: string[] = [];
    // On a busy machine the first lives may be too short for an answer.
    for (let round = 0; round < 4 || (told.length === 0 && round < 30); round++) {
      const run = await f.run();
      const sending = bodies(30, round * 30).map(async (body, index) => {
        await Bun.sleep(index % 7);
        if ((await f.send(run, body)) === "stored") told.push(body);
      });
      // Killed after so many answers, not after so many milliseconds: a busy machine may need all of them for the first.
      const before = told.length;
      await until("some to be told", () => told.length - before >= round * 4);
      await run.crash();
      await Promise.all(sending);
    }
    const stored = new Set(f.work.lines);
    expect(told.filter((body) => !stored.has(body))).toEqual([]);
    expect(told.length).toBeGreaterThan(0);
  },
  "after a restart senders connect again": async (f: Fixture) => {
    const first = await f.run();
    expect(await f.send(first, "a")).toBe("stored");
    await first.crash();
    const second = await f.run();
    expect(await f.send(second, "b")).toBe("stored");
    expect(f.work.lines).toEqual(["a", "b"]);
  },
  "over a channel that a crash empties the answer says so": async (f: Fixture) => {
    const run = await f.run();
    run.intake.durable = false;
    expect(await f.send(run, "a")).toBe("in memory");
  },
  "its status is made of plain values": async (f: Fixture) => {
    const run = await f.run();
    await f.send(run, "a");
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

/** Holds a push source to them. */
export function pushContract(name: string, senders: PushSenders, lacks: Lacks<typeof properties> = {}): void {
  checkProperties(`push source ${name}`, properties, lacks, async () => new Fixture(senders));
}
