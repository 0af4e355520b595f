import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { until } from "../../shared/testing/until.ts";
import type { FullPolicy } from "../core/channel.ts";
import type { ChannelMaker } from "../core/define.ts";
import { AgentWorld, Destination, LineFile, numbered } from "../testing/fakes/agent-world.ts";
import type { Agent } from "./agent.ts";

const hasRead = (agent: Agent, lines: number) =>
  until("the lines to be read", () => agent.status().books.every(({ read }) => read === lines));
const hasSent = (agent: Agent, lines: number) =>
  until("the lines to be sent", () => agent.status().books.every(({ sent }) => sent === lines));
const withNewCertificate = (world: AgentWorld) => ({
  sinks: new Map([["out", world.sends(world.destination, "main", { certificate: "new" })]]),
});

test("a certificate that is renewed in an outage touches no source and no channel", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  const agent = await world.started();
  world.file.write(...numbered("line", 50));
  await hasRead(agent, 50);
  world.journal.length = 0;
  await agent.reload(world.config(withNewCertificate(world)));
  expect(world.journal).toEqual(["stop out", "start out"]);
  world.file.write(...numbered("line", 50, 50));
  world.destination.away = false;
  await hasSent(agent, 100);
  await agent.stop();
  expect(world.destination.lines).toEqual(numbered("line", 100));
  expect(world.broken).toEqual([]);
});

test("the sink that takes over is told what the one before may have sent", async () => {
  using world = new AgentWorld();
  world.destination.silent = true;
  const agent = await world.started();
  world.file.write(...numbered("line", 3));
  await until("a delivery to be under way", () => JSON.stringify(agent.status().sinks).includes('"sending"'));
  expect(world.destination.notes.at(-1)?.seqAtStart).toBe(0);
  await agent.reload(world.config(withNewCertificate(world)));
  expect(world.destination.notes.at(-1)?.seqAtStart).toBe(3);
  world.destination.silent = false;
  await agent.stop();
});

test("a full channel gets more room while its source waits, and the source goes on where it was", async () => {
  using world = new AgentWorld();
  const holding = (bytesMax: number) => ({ channels: new Map([["main", world.holds("sqlite", { bytesMax })]]) });
  world.destination.away = true;
  const agent = await world.started(world.config(holding(4_096)));
  world.file.write(...numbered("a line of some length, so that few of them fill the channel", 1_000));
  await until("the channel to be full", () => agent.status().channels.main?.admission === "blocked");
  const readBefore = agent.status().books[0]?.read ?? 0;
  expect(readBefore).toBeLessThan(1_000);
  world.journal.length = 0;
  await agent.reload(world.config(holding(20_000_000)));
  await until("more to be read", () => (agent.status().books[0]?.read ?? 0) > readBefore);
  expect(world.journal).toEqual([]);
  world.destination.away = false;
  await hasSent(agent, 1_000);
  await agent.stop();
  expect(new Set(world.destination.lines).size).toBe(1_000);
  expect(world.destination.lines).toHaveLength(1_000);
});

test("another chain under a source that goes on: no line is missing, none passes twice, the books balance", async () => {
  using world = new AgentWorld();
  const agent = await world.started(world.config({ keep: (line) => !line.endsWith("7") }));
  for (let round = 0; round < 10; round++) {
    world.file.write(...numbered("line", 30, round * 30));
    const digit = String((round + 1) % 10);
    await agent.reload(world.config({ keep: (line) => !line.endsWith(digit) }));
  }
  await until("all to be read", () =>
    agent
      .status()
      .books.every(({ read, held, filtered, sent }) => read === 300 && held === 0 && filtered + sent === 300),
  );
  expect(world.journal.filter((step) => step === "start in")).toHaveLength(1);
  expect(new Set(world.destination.lines).size).toBe(world.destination.lines.length);
  await agent.stop();
  expect(world.broken).toEqual([]);
});

test("a channel that a source begins to feed later has books that balance, over starts and changes of mind", async () => {
  using world = new AgentWorld();
  const second = new Destination("second", world);
  const both = () => ({
    sources: new Map([["in", world.reads(world.file, ["main", "side"])]]),
    channels: new Map([
      ["main", world.holds("sqlite")],
      ["side", world.holds("sqlite")],
    ]),
    sinks: new Map([
      ["out", world.sends(world.destination, "main")],
      ["second", world.sends(second, "side")],
    ]),
  });
  const balanced = (agent: Agent, read: number) =>
    until(`the books to balance at ${read}`, () =>
      agent
        .status()
        .books.every(
          (book) =>
            book.held === 0 &&
            book.read === read &&
            book.read === book.filtered + book.elsewhere + book.unselected + book.dropped + book.sent,
        ),
    );
  const agent = await world.started();
  world.file.write(...numbered("line", 100));
  await hasSent(agent, 100);
  await agent.reload(world.config(both()));
  world.file.write(...numbered("line", 100, 100));
  await balanced(agent, 200);
  expect(agent.status().books.map(({ channel, elsewhere, sent }) => [channel, elsewhere, sent])).toEqual([
    ["main", 0, 200],
    ["side", 100, 100],
  ]);
  await agent.reload(world.config());
  world.file.write(...numbered("line", 50, 200));
  await balanced(agent, 250);
  await agent.stop();
  const next = await world.started(world.config(both()));
  world.file.write(...numbered("line", 10, 250));
  await balanced(next, 260);
  expect(next.status().books.map(({ channel, elsewhere }) => [channel, elsewhere])).toEqual([
    ["main", 0],
    ["side", 150],
  ]);
  await next.stop();
  expect(second.lines).toEqual([...numbered("line", 100, 100), ...numbered("line", 10, 250)]);
});

test("a source that is made anew by a reload begins at its stored positions, and the others do not hear of it", async () => {
  using world = new AgentWorld();
  const other = new LineFile("other", world);
  const config = (pollInterval: number) =>
    world.config({
      sources: new Map([
        ["in", world.reads(world.file, ["main"], { config: { pollInterval } })],
        ["other", world.reads(other, ["main"])],
      ]),
    });
  const agent = await world.started(config(1));
  world.file.write(...numbered("in", 20));
  other.write(...numbered("other", 20));
  await until("both to be sent", () => world.destination.lines.length === 40);
  world.journal.length = 0;
  await agent.reload(config(2));
  world.file.write(...numbered("in", 20, 20));
  await until("the rest to be sent", () => world.destination.lines.length === 60);
  expect(world.journal).toEqual(["stop in", "start in", "run in"]);
  await agent.stop();
  expect(world.destination.lines.filter((line) => line.startsWith("in"))).toEqual(numbered("in", 40));
});

test("a memory channel that goes takes nothing with it, also what lies in another one behind it", async () => {
  using world = new AgentWorld();
  const kept = new Destination("kept", world);
  const config = (sources: readonly string[]) =>
    world.config({
      sources: new Map([["in", world.reads(world.file, sources)]]),
      channels: new Map(sources.map((name) => [name, world.holds("memory")])),
      sinks: new Map(
        sources.map((name) => [`to ${name}`, world.sends(name === "main" ? world.destination : kept, name)]),
      ),
    });
  world.destination.away = true;
  const agent = await world.started(config(["main", "side"]));
  world.file.write(...numbered("line", 20));
  await until("one half to be delivered", () => kept.lines.length === 20);
  expect(world.store?.positions("in").get("in")).toBeUndefined();
  await agent.reload(config(["main"]));
  world.destination.away = false;
  await until("the other half to be delivered", () => new Set(world.destination.lines).size === 20);
  await until("the position to be stored", () => world.store?.positions("in").get("in") === "20");
  await agent.stop();
});

test.each(["spillable", "sqlite"] as const)(
  "what waits in a spillable channel that becomes another one (%s) is written down, and not read again",
  async (next) => {
    using world = new AgentWorld();
    const config = (channel: ChannelMaker) => world.config({ channels: new Map([["main", channel]]) });
    world.destination.away = true;
    const agent = await world.started(config(world.spills("1MiB")));
    world.file.write(...numbered("line", 300));
    await hasRead(agent, 300);
    // No two channels in memory are made at the same moment: they take their epoch from it.
    world.clock.advance(1_000);
    await agent.reload(config(next === "sqlite" ? world.holds("sqlite") : world.spills("2MiB")));
    world.file.write(...numbered("line", 100, 300));
    await until("all to be held", () => agent.status().channels.main?.events === 400);
    world.destination.away = false;
    await until("all to be sent", () => agent.status().books.every(({ held }) => held === 0));
    for (const { read, sent, held } of agent.status().books) expect(read).toBe(sent + held);
    await agent.stop();
    expect(world.destination.lines).toEqual(numbered("line", 400));
    expect(world.broken).toEqual([]);
  },
);

test("a spillable channel drains what a sqlite channel of its name has left, and puts nothing to its lanes", async () => {
  using world = new AgentWorld();
  const config = (channel: ChannelMaker) => world.config({ channels: new Map([["main", channel]]) });
  world.destination.away = true;
  const agent = await world.started(config(world.holds("sqlite")));
  world.file.write(...numbered("line", 300));
  await hasRead(agent, 300);
  await agent.reload(config(world.spills("1MiB")));
  world.file.write(...numbered("line", 100, 300));
  await until("all to be held", () => agent.status().channels.main?.events === 400);
  // Also at a start.
  await agent.stop();
  const again = await world.started(config(world.spills("1MiB")));
  world.file.write(...numbered("line", 100, 400));
  world.destination.away = false;
  await until("all to be sent", () => new Set(world.destination.lines).size === 500);
  await again.stop();
  expect(world.destination.lines).toEqual(numbered("line", 500));
  expect(world.broken).toEqual([]);
});

test("a delivery that is under way when its sink goes comes to its end, and not again", async () => {
  using world = new AgentWorld();
  world.destination.deaf = true;
  const agent = await world.started();
  world.file.write(...numbered("line", 10));
  await until("a delivery to be under way", () => JSON.stringify(agent.status().sinks).includes('"sending"'));
  const reloading = agent.reload(world.config(withNewCertificate(world)));
  setTimeout(() => (world.destination.deaf = false), 200);
  await reloading;
  // The new one was given nothing: it was told that all was sent, and acknowledged.
  await hasSent(agent, 10);
  expect(world.destination.deliveries).toBe(1);
  await agent.stop();
  expect(world.destination.lines).toEqual(numbered("line", 10));
});

test("a channel that no source feeds any more delivers what it holds, over a reload and over a start", async () => {
  using world = new AgentWorld();
  const [left, kept] = [new Destination("left", world), new Destination("kept", world)];
  const config = (feeds: string) =>
    world.config({
      sources: new Map([["in", world.reads(world.file, [feeds])]]),
      channels: new Map(["main", "left"].map((name) => [name, world.holds("sqlite")])),
      sinks: new Map([
        ["kept", world.sends(kept, "main")],
        ["left", world.sends(left, "left")],
      ]),
    });
  left.away = true;
  const agent = await world.started(config("left"));
  world.file.write(...numbered("line", 20));
  await until("all to be held", () => agent.status().channels.left?.events === 20);
  await agent.reload(config("main"));
  world.file.write(...numbered("line", 10, 20));
  await until("the rest to go the other way", () => kept.lines.length === 10);
  await agent.stop();
  const again = await world.started(config("main"));
  left.away = false;
  await until("the channel to be empty", () => again.status().channels.left?.events === 0);
  await again.stop();
  expect([left.lines, kept.lines]).toEqual([numbered("line", 20), numbered("line", 10, 20)]);
});

test("what was pushed to a channel in memory that goes is said", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  const config = (full: FullPolicy) => world.config({ channels: new Map([["main", world.holds("memory", { full })]]) });
  const agent = await world.started(config("block"));
  world.file.write(...numbered("line", 20));
  await until("all to be held", () => agent.status().channels.main?.events === 20);
  await agent.reload(config("drop_oldest"));
  const said = world.reports.filter(({ signal }) => signal === "channel_gone_holding");
  expect(said).toEqual([{ signal: "channel_gone_holding", fields: { component: "main", events: 20 } }]);
  await agent.stop();
});

test("a delivery that does not let go is never joined by a second one: the reload fails, the process must end", async () => {
  using world = new AgentWorld();
  world.destination.deaf = true;
  const agent = await world.started();
  world.file.write("line");
  await until("a delivery to be under way", () => JSON.stringify(agent.status().sinks).includes('"sending"'));
  const reload = agent.reload(world.config({ stopTimeoutMs: 100, ...withNewCertificate(world) }));
  await expect(reload).rejects.toMatchObject({ code: "EDGE_RELOAD_FAILED" });
  expect(world.reports.map(({ signal }) => signal)).toContain("component_not_stopped");
  world.destination.deaf = false;
  await agent.stop().catch(() => undefined);
});

test("metrics of what is made anew begin anew, those of the rest go on, and no series is on the page twice", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  world.file.write(...numbered("line", 5));
  await hasSent(agent, 5);
  await agent.reload(world.config({ ...withNewCertificate(world), keep: () => true }));
  const series = world.metrics
    .render()
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.slice(0, line.lastIndexOf(" ")));
  expect(new Set(series).size).toBe(series.length);
  expect(world.metrics.render()).toContain('tailgate_events_total{as="sent",channel="main",stream="in"} 5');
  await agent.stop();
});

test("while the disk takes nothing, what needs a commit waits its time and is then refused; the old config goes on", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  await until("the source to run", () => world.journal.includes("run in"));
  const store = world.store;
  if (store === undefined) throw new Error("no store");
  const commit = store.commit.bind(store);
  store.commit = () => {
    throw new AppError("EDGE_CHANNEL_FULL", "commit in a test");
  };
  world.file.write("line 0");
  await until("the commit to fail", () => agent.unready().length > 0);
  const changed = world.config({ keep: () => false, stopTimeoutMs: 50 });
  await expect(agent.reload(changed)).rejects.toMatchObject({ code: "EDGE_RELOAD_WAITS" });
  // What needs no commit does not wait for one.
  await agent.reload(world.config(withNewCertificate(world)));
  store.commit = commit;
  await hasSent(agent, 1);
  await agent.stop();
  expect(world.destination.lines).toEqual(["line 0"]);
}, 30_000);
