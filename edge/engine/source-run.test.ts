import { expect, test } from "bun:test";
import { Gate } from "../../shared/async/gate.ts";
import { until } from "../../shared/testing/until.ts";
import type { Intake, Source } from "../core/source.ts";
import { AgentWorld, numbered } from "../testing/fakes/agent-world.ts";

/** What one object of a source does in its life. */
type Life = (intake: Intake, signal: AbortSignal) => Promise<void>;

/** A source whose objects live the given lives, one after the other; the last one again and again. */
function sourceOf(world: AgentWorld, lives: readonly Life[], stop: (object: number) => Promise<void> = async () => {}) {
  let made = 0;
  const create = (): Source => {
    const object = ++made;
    let ran = false;
    return {
      start: async () => void world.journal.push(`start ${object}`),
      run: async (intake, signal) => {
        world.journal.push(`run ${object}`);
        if (ran) world.broken.push(`object ${object} was run a second time`);
        ran = true;
        await lives[Math.min(object, lives.length) - 1]?.(intake, signal);
      },
      stop: async () => {
        await stop(object);
        world.journal.push(`stop ${object}`);
      },
      status: () => ({ object }),
    };
  };
  const config = world.reads(world.file, ["main"]);
  return world.config({
    sources: new Map([["in", { ...config, make: { config: {}, create } }]]),
    stopTimeoutMs: 2_000,
  });
}

const untilAborted: Life = (_, signal) => new Gate().wait(signal);

function append(intake: Intake, lines: readonly string[]): void {
  for (const line of lines) {
    const bytes = Buffer.from(line);
    intake.append(bytes, 0, bytes.length);
  }
}

/** Reads lines 0 to 9, stores position 10; then reads three more and fails before it has moved. */
const failsBetweenLinesAndPosition: Life = async (intake, signal) => {
  append(intake, numbered("line", 10));
  intake.moved({ key: "file", position: () => "10" });
  await intake.committed(signal);
  append(intake, numbered("line", 3, 10));
  throw new Error("stat: Permission denied");
};

/** Goes on where the stored position says. */
const goesOn: Life = async (intake, signal) => {
  const at = Number(intake.positions().get("file") ?? 0);
  append(intake, numbered("line", 20 - at, at));
  intake.moved({ key: "file", position: () => "20" });
  await intake.committed(signal);
  await untilAborted(intake, signal);
};

test("a source that ends by an error is made anew at its stored position: no line is missing, none comes twice", async () => {
  using world = new AgentWorld();
  const agent = await world.started(sourceOf(world, [failsBetweenLinesAndPosition, goesOn]));
  await until("all to arrive", () => world.destination.lines.length >= 20);
  expect(world.destination.lines).toEqual(numbered("line", 20));
  expect(agent.status().books[0]).toMatchObject({ read: 20 });
  expect(world.journal.slice(1)).toEqual(["start out", "start 1", "run 1", "stop 1", "start 2", "run 2"]);
  await agent.stop();
  expect(world.broken).toEqual([]);
});

test("what still runs of the one that ended is told to end, and what it appends goes nowhere", async () => {
  using world = new AgentWorld();
  let zombie = "runs";
  const leavesALoop: Life = async (intake, signal) => {
    void (async () => {
      while (!signal.aborted) {
        append(intake, ["from the dead"]);
        await intake.ready(signal);
        if (!signal.aborted) intake.moved({ key: "file", position: () => "999" });
      }
      append(intake, ["from the dead"]);
      intake.count("cut", 1);
      zombie = intake.takesNow() ? "takes" : "ended";
    })();
    throw new Error("one loop of two has failed");
  };
  const agent = await world.started(sourceOf(world, [leavesALoop, goesOn]));
  await until("all to arrive", () => world.destination.lines.length >= 20);
  await until("the loop to end", () => zombie === "ended");
  expect(world.destination.lines).toEqual(numbered("line", 20));
  expect(agent.status().counts.in).toEqual({});
  await agent.stop();
});

test("there is no new one before the old one has stopped; meanwhile it is said, in the status and at readyz", async () => {
  using world = new AgentWorld();
  const mayStop = new Gate();
  const config = sourceOf(world, [failsBetweenLinesAndPosition, goesOn], async (object) => {
    if (object === 1) await mayStop.wait(new AbortController().signal);
  });
  const agent = await world.started(config);
  await until("it to end", () => agent.unready().length > 0);
  expect(agent.unready()[0]).toContain("source in has ended and is tried again: stat: Permission denied");
  expect(agent.status().sources.in).toMatchObject({ state: "ending", error: "stat: Permission denied" });
  expect(world.metrics.render()).toContain('tailgate_source_running{source="in"} 0');
  expect(world.journal).not.toContain("start 2");
  mayStop.open();
  await until("all to arrive", () => world.destination.lines.length >= 20);
  expect(agent.unready()).toEqual([]);
  expect(agent.status().sources.in).toMatchObject({ object: 2, state: "running", restarts: 1 });
  expect(world.metrics.render()).toContain('tailgate_source_restarts_total{source="in"} 1');
  await agent.stop();
});

test("what ends again and again for one reason is said once, and each time it is counted", async () => {
  using world = new AgentWorld();
  const fails: Life = async () => {
    throw new Error("no such device");
  };
  const agent = await world.started(sourceOf(world, [fails]));
  await until("the third life", () => JSON.stringify(agent.status().sources).includes('"restarts":2'), undefined, {
    withinMs: 15_000,
  });
  expect(world.reports.filter(({ signal }) => signal === "source_failed")).toHaveLength(1);
  await agent.stop();
}, 20_000);

test("a source that returns without having been asked to has ended, too", async () => {
  using world = new AgentWorld();
  const agent = await world.started(sourceOf(world, [async () => {}, goesOn]));
  await until("all to arrive", () => world.destination.lines.length >= 20);
  expect(world.reports.find(({ signal }) => signal === "source_failed")?.fields.error).toContain(
    "without having been asked",
  );
  await agent.stop();
});

test.each([
  ["a run that does not end", [() => new Promise<void>(() => {})], undefined],
  ["a stop that does not end", [untilAborted], () => new Promise<void>(() => {})],
  ["one that failed and does not stop", [failsBetweenLinesAndPosition], () => new Promise<void>(() => {})],
] as const)(
  "%s holds up a stop for its deadline and no longer, and is named",
  async (_what, lives, stop) => {
    using world = new AgentWorld();
    const agent = await world.started(sourceOf(world, lives, stop));
    await until("it to run", () => world.journal.includes("run 1"));
    const startMs = performance.now();
    await agent.stop();
    expect(performance.now() - startMs).toBeLessThan(4_000);
    expect(agent.state).toBe("stopped");
    expect(world.reports.find(({ signal }) => signal === "component_not_stopped")?.fields).toEqual({ component: "in" });
    expect(world.journal.at(-1)).toBe("close the channels");
  },
  15_000,
);

test("a sink that does not stop, and a delivery that does not end, hold up a stop for its deadline and no longer", async () => {
  using world = new AgentWorld();
  world.destination.deaf = true;
  world.file.write("line");
  const agent = await world.started(world.config({ stopTimeoutMs: 500 }));
  await until("a delivery to be under way", () => JSON.stringify(agent.status().sinks).includes('"sending"'));
  const startMs = performance.now();
  await agent.stop();
  expect(performance.now() - startMs).toBeLessThan(3_000);
  expect(world.reports.map(({ signal }) => signal)).toContain("component_not_stopped");
  expect(world.journal.at(-1)).toBe("close the channels");
  world.destination.deaf = false;
});
