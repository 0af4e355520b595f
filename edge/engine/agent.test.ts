import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { until } from "../../shared/testing/until.ts";
import { AgentWorld, Destination, LineFile, numbered } from "../testing/fakes/agent-world.ts";
import type { Agent } from "./agent.ts";
import type { Book } from "./books.ts";

function book(agent: Agent, channel = "main"): Book {
  const found = agent.status().books.find((each) => each.channel === channel);
  if (found === undefined) throw new Error(`no book of channel ${channel}`);
  return found;
}

const hasRead = (agent: Agent, lines: number) =>
  until("the lines to be read", () => agent.status().books.every(({ read }) => read === lines));
const hasSent = (agent: Agent, lines: number) =>
  until("the lines to be sent", () => agent.status().books.every(({ sent }) => sent === lines));

test("what is leaned on starts first and stops last", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  await until("the source to run", () => world.journal.includes("run in"));
  expect(agent.state).toBe("running");
  expect(agent.unready()).toEqual([]);
  await agent.stop();
  expect(agent.state).toBe("stopped");
  expect(world.journal).toEqual([
    "open the channels",
    "start out",
    "start in",
    "run in",
    "stop in",
    "stop out",
    "close the channels",
  ]);
});

test("a start that fails stops what was started, and says what came first", async () => {
  using world = new AgentWorld();
  const second = new Destination("second", world);
  const sinks = new Map([
    ["out", world.sends(world.destination, "main")],
    ["second", world.sends(second, "main")],
  ]);
  const [first, later] = [new Error("first"), new Error("later")];
  second.refusal = first;
  world.destination.stopFailure = later;
  const agent = world.agent(world.config({ sinks }));
  await expect(agent.start()).rejects.toBe(first);
  expect(agent.state).toBe("failed");
  expect(world.journal).toEqual(["open the channels", "start out", "start second", "stop out", "close the channels"]);
  expect(world.reports.at(-1)).toEqual({ signal: "agent_start_undone_badly", fields: { error: "later" } });

  second.refusal = undefined;
  world.destination.stopFailure = undefined;
  world.file.write("line");
  const again = await world.started(world.config({ sinks }));
  await hasSent(again, 1);
  await again.stop();
});

test("a start that fails does not wait for the backlog of the last run", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  world.file.write(...numbered("line", 50));
  const before = await world.started();
  await hasRead(before, 50);
  await before.stop();

  const refusal = new AppError("EDGE_SOURCE_FILE", "start in a test");
  world.destination.away = false;
  world.destination.silent = true;
  world.file.refusal = refusal;
  const startMs = performance.now();
  await expect(world.agent().start()).rejects.toBe(refusal);
  world.file.refusal = undefined;
  world.destination.refusal = refusal;
  await expect(world.agent().start()).rejects.toBe(refusal);
  expect(performance.now() - startMs).toBeLessThan(5_000);
});

test("a stop drains while the destination takes", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  world.file.write(...numbered("line", 500));
  const agent = await world.started();
  await hasRead(agent, 500);
  world.destination.away = false;
  await until("the destination to be back", () => world.destination.lines.length > 0);
  await agent.stop();
  expect(world.destination.lines).toEqual(numbered("line", 500));
  expect(world.reports.at(-1)?.signal).toBe("agent_stopped");
});

test("a stop returns at once when the destination is away, and the next start goes on behind it", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  world.file.write(...numbered("line", 50));
  const agent = await world.started();
  await hasRead(agent, 50);
  await until("a delivery to fail", () => JSON.stringify(agent.status().sinks).includes('"retrying"'));
  const startMs = performance.now();
  await agent.stop();
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(world.reports.at(-1)).toEqual({ signal: "agent_stopped_holding", fields: { held: 50 } });

  world.destination.away = false;
  const next = await world.started();
  await hasSent(next, 50);
  await next.stop();
  expect(world.destination.lines).toEqual(numbered("line", 50));
});

test("a stop is over at its deadline when the destination does not answer", async () => {
  using world = new AgentWorld();
  world.destination.silent = true;
  world.file.write("line");
  const agent = await world.started(world.config({ stopTimeoutMs: 200 }));
  await hasRead(agent, 1);
  const startMs = performance.now();
  await agent.stop();
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(100);
  expect(tookMs).toBeLessThan(5_000);
});

test("a stop says what failed on the way, and stops all the same", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  world.destination.stopFailure = new Error("the sink will not stop");
  await expect(agent.stop()).rejects.toThrow(AggregateError);
  expect(agent.state).toBe("stopped");
  expect(world.journal.at(-1)).toBe("close the channels");
});

test("a commit may move positions alone: what is filtered is not read again", async () => {
  using world = new AgentWorld();
  const config = world.config({ keep: () => false });
  world.file.write(...numbered("noise", 30));
  const agent = await world.started(config);
  await hasRead(agent, 30);
  expect(world.store?.positions("in").get("in")).toBe("30");
  expect(agent.status().channels.main).toMatchObject({ events: 0, batches: 0, lanes: [] });
  await world.kill(agent);

  const next = await world.started(config);
  world.file.write("noise 30");
  await hasRead(next, 31);
  expect(book(next)).toMatchObject({ read: 31, filtered: 31, unselected: 0 });
  await next.stop();
});

test("lines that were not committed when it was killed are read again, once", async () => {
  using world = new AgentWorld();
  const config = world.config({ lingerMs: 60_000 });
  const agent = await world.started(config);
  world.file.write("first");
  await hasSent(agent, 1);
  world.file.write(...numbered("late", 5));
  await until("the lines to be read", () => JSON.stringify(agent.status().sources).includes('"at":6'));
  expect(book(agent).read).toBe(1);
  await world.kill(agent);
  const next = await world.started(config);
  await hasSent(next, 6);
  await next.stop();
  expect(world.destination.lines).toEqual(["first", ...numbered("late", 5)]);
  expect(world.destination.identities.map((text) => text.replace(/^.*\//, ""))).toEqual(["0", "1", "2", "3", "4", "5"]);
});

test("through a memory channel a position moves on delivery, never before", async () => {
  using world = new AgentWorld();
  const config = world.config({ channels: new Map([["main", world.holds("memory")]]) });
  world.destination.away = true;
  world.file.write(...numbered("line", 30));
  const agent = await world.started(config);
  await hasRead(agent, 30);
  expect(world.store?.positions("in").get("in")).toBeUndefined();
  await world.kill(agent);

  const next = await world.started(config);
  await hasSent(next, 30);
  await until("the position to be stored", () => world.store?.positions("in").get("in") === "30");
  expect(book(next)).toMatchObject({ read: 30, unselected: 0, held: 0 });
  await world.kill(next);
  expect(world.destination.lines).toEqual(numbered("line", 30));
  expect(world.broken).toEqual([]);

  world.file.write("line 30");
  const last = await world.started(config);
  await hasSent(last, 1);
  await last.stop();
  expect(world.destination.lines).toEqual(numbered("line", 31));
  expect(book(last)).toMatchObject({ read: 1, sent: 1, unselected: 0 });
});

test("a stop stores the positions of what the memory channels have drained", async () => {
  using world = new AgentWorld();
  const config = world.config({ lingerMs: 60_000, channels: new Map([["main", world.holds("memory")]]) });
  const agent = await world.started(config);
  world.file.write("first");
  await hasSent(agent, 1);
  world.file.write(...numbered("late", 5));
  await until("the lines to be read", () => JSON.stringify(agent.status().sources).includes('"at":6'));
  await agent.stop();
  const next = await world.started(config);
  world.file.write("last");
  await hasSent(next, 1);
  await next.stop();
  expect(world.destination.lines).toEqual(["first", ...numbered("late", 5), "last"]);
});

test("a source that breaks an assumption is told; one that only fails is started again and does not end the others", async () => {
  using world = new AgentWorld();
  const other = new LineFile("other", world);
  const sources = new Map([
    ["in", world.reads(world.file, ["main"])],
    ["other", world.reads(other, ["main"])],
  ]);
  world.file.failure = new Error("gone");
  const agent = await world.started(world.config({ sources }));
  await until("the failure to be reported", () => world.reports.some(({ signal }) => signal === "source_failed"));
  other.write("goes on");
  await until("the other's line", () => world.destination.lines.includes("goes on"));
  const broken = new AppError("INVARIANT", "a test");
  other.failure = broken;
  other.write("breaks");
  await until("the broken assumption", () => world.broken.length > 0);
  expect(world.broken).toEqual([broken]);
  await agent.stop();
});

test("a sink that asks for a new epoch gets it from the next event on; what was numbered before goes first", async () => {
  using world = new AgentWorld();
  const agent = await world.started(world.config({ lingerMs: 60_000 }));
  world.file.write("old");
  await hasSent(agent, 1);
  world.destination.away = true;
  world.file.write("old and open");
  await until("the line to be read", () => JSON.stringify(agent.status().sources).includes('"at":2'));
  const before = agent.status().epoch;
  world.destination.context?.renewEpoch("a test");
  const after = agent.status().epoch;
  expect(after).not.toBe(before);
  world.file.write("new");
  world.destination.away = false;
  await until("the line to be read", () => JSON.stringify(agent.status().sources).includes('"at":3'));
  await agent.stop();
  expect(world.destination.lines).toEqual(["old", "old and open", "new"]);
  expect(world.destination.identities).toEqual([`${before}/in.0/0`, `${before}/in.0/1`, `${after}/in.0/0`]);
});

test("a source that was renamed reads everything again, and that is said: at a start and at a reload", async () => {
  using world = new AgentWorld();
  const named = (name: string) => world.config({ sources: new Map([[name, world.reads(world.file, ["main"])]]) });
  const said = () =>
    world.reports.filter(({ signal }) => signal === "agent_positions_unused").map(({ fields }) => fields);
  world.file.write("line");
  const first = await world.started(named("in"));
  await hasSent(first, 1);
  await first.stop();
  expect(said()).toEqual([]);

  const second = await world.started(named("renamed"));
  expect(said()).toEqual([{ stored: "in", without: "renamed" }]);
  await until("it to be read again", () => world.destination.lines.length === 2);
  await second.reload(named("once more"));
  expect(said().at(-1)).toEqual({ stored: "in, renamed", without: "once more" });
  await second.stop();

  // Back under the old name: nobody reads anew.
  const third = await world.started(named("in"));
  expect(said()).toHaveLength(2);
  await third.stop();
});

test("a lane that cannot go on is said, and what is new goes on; the next start sends what it held", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  world.file.write(...numbered("old", 10));
  const agent = await world.started();
  const failed = () => /tailgate_lanes_failed\{channel="main",stream="in"\} (\d)/.exec(world.metrics.render())?.[1];
  await until("the lane to be there", () => failed() === "0");
  const [lane] = world.destination.notes;
  world.destination.fencedEpoch = lane?.lane.epoch;
  world.destination.away = false;
  await until("the lane to fail", () => failed() === "1");
  expect(agent.unready()).toEqual([
    `lane in.0 of epoch ${lane?.lane.epoch} cannot go on by sink out: deliver in a test`,
  ]);
  world.file.write(...numbered("new", 10));
  await until("what is new to arrive", () => world.destination.lines.length === 10);
  expect(world.destination.lines).toEqual(numbered("new", 10));
  await agent.stop();
  world.destination.fencedEpoch = undefined;
  const next = await world.started();
  await until("what was held to arrive", () => world.destination.lines.length === 20);
  expect(next.unready()).toEqual([]);
  await next.stop();
});
