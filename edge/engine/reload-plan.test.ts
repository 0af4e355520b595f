import { expect, test } from "bun:test";
import { plainLayout } from "../core/layout.ts";
import { AgentWorld, LineFile } from "../testing/fakes/agent-world.ts";
import { describePlan, describeReload, type Parts, planReload } from "./reload-plan.ts";

/** Two sources into `main`, one of them into `side` too; `main` drained by two sinks. */
function parts(world: AgentWorld, other: LineFile): Parts {
  return {
    sources: new Map([
      ["a", world.reads(world.file, ["main"])],
      ["b", world.reads(other, ["main", "side"])],
    ]),
    channels: new Map([
      ["main", world.holds("sqlite")],
      ["side", world.holds("sqlite")],
    ]),
    sinks: new Map([
      ["one", world.sends(world.destination, "main")],
      ["two", world.sends(world.destination, "main")],
      ["three", world.sends(world.destination, "side")],
    ]),
  };
}

/** The plan for a config in which one thing is different. */
function planFor(change: (given: Parts, world: AgentWorld, other: LineFile) => Partial<Parts>) {
  using world = new AgentWorld();
  const other = new LineFile("other", world);
  const before = parts(world, other);
  const fresh = parts(world, other);
  const plan = planReload(before, { ...fresh, ...change(fresh, world, other) });
  const words = (steps: ReadonlyMap<string, string>) => [...steps].map(([name, step]) => `${name} ${step}`);
  return { sources: words(plan.sources), channels: words(plan.channels), sinks: words(plan.sinks), plan };
}

const kept = {
  sources: ["a keep", "b keep"],
  channels: ["main keep", "side keep"],
  sinks: ["main keep", "side keep"],
};
const withEntry = <T>(map: ReadonlyMap<string, T>, name: string, value: T) => new Map([...map, [name, value]]);
const without = <T>(map: ReadonlyMap<string, T>, name: string) => new Map([...map].filter(([key]) => key !== name));

test("an equal config, read anew, keeps everything", () => {
  const found = planFor(() => ({}));
  expect(found).toMatchObject(kept);
  expect(describePlan(found.plan)).toEqual({});
});

test("a member of a group that changed makes the sinks of its channel anew", () => {
  const group = (world: AgentWorld, config: Readonly<Record<string, unknown>>) => ({
    ...world.sends(world.destination, "main"),
    members: new Map([["member", world.sends(world.destination, "main", config)]]),
  });
  using world = new AgentWorld();
  const before = parts(world, new LineFile("other", world));
  const plan = (one: object, next: object) =>
    planReload(
      { ...before, sinks: withEntry(before.sinks, "one", group(world, { ...one })) },
      { ...before, sinks: withEntry(before.sinks, "one", group(world, { ...next })) },
    ).sinks.get("main");
  expect(plan({ certificate: "old" }, { certificate: "old" })).toBe("keep");
  expect(plan({ certificate: "old" }, { certificate: "new" })).toBe("renew");
});

test("a renewed certificate makes the sinks of its channel anew, and nothing else", () => {
  const found = planFor(({ sinks }, world) => ({
    sinks: withEntry(sinks, "two", world.sends(world.destination, "main", { certificate: "new" })),
  }));
  expect(found).toMatchObject({ ...kept, sinks: ["main renew", "side keep"] });
  expect(describePlan(found.plan)).toEqual({ renew: "sinks of main" });
});

test("another interceptor, another selector, another list of channels: the source is kept and gets another chain", () => {
  for (const change of [{ keep: (line: string) => line !== "noise" }, { select: () => [0] }]) {
    const found = planFor(({ sources }, world, other) => ({
      sources: withEntry(sources, "b", world.reads(other, ["main", "side"], change)),
    }));
    expect(found).toMatchObject({ ...kept, sources: ["a keep", "b rechain"] });
  }
  const found = planFor(({ sources }, world) => ({
    sources: withEntry(sources, "a", world.reads(world.file, ["main", "side"])),
  }));
  expect(found).toMatchObject({ ...kept, sources: ["a rechain", "b keep"] });
});

test("a source whose own config differs is made anew; the one beside it is not touched", () => {
  const found = planFor(({ sources }, world) => ({
    sources: withEntry(sources, "a", world.reads(world.file, ["main"], { config: { pollInterval: 5 } })),
  }));
  expect(found).toMatchObject({ ...kept, sources: ["a renew", "b keep"] });
});

test("more capacity keeps the channel with what it holds, and its sources with their files", () => {
  const found = planFor(({ channels }, world) => ({
    channels: withEntry(channels, "main", world.holds("sqlite", { bytesMax: 9 })),
  }));
  expect(found).toMatchObject({ ...kept, channels: ["main change", "side keep"] });
});

test("another compression is another way to build batches: the chains that put into the channel are made anew", () => {
  const found = planFor(({ channels }, world) => ({
    channels: withEntry(
      channels,
      "side",
      world.holds("sqlite", { settings: { compression: "gzip", identity: true, batchBytesMax: 1000 } }),
    ),
  }));
  expect(found).toMatchObject({ ...kept, sources: ["a keep", "b rechain"], channels: ["main keep", "side change"] });
});

test("another topic is another layout: chains are made anew; another broker under the same topic is not", () => {
  using world = new AgentWorld();
  const sink = (topic: string, broker: string) => ({
    ...world.sends(world.destination, "main", { broker, topic }),
    layout: plainLayout(topic),
  });
  const withSink = (topic: string, broker: string): Parts => ({
    ...world.config(),
    sinks: new Map([["out", sink(topic, broker)]]),
  });
  const steps = (after: Parts) => planReload(withSink("t", "k1"), after).sources.get("in");
  expect(steps(withSink("t", "k2"))).toBe("keep");
  expect(steps(withSink("u", "k1"))).toBe("rechain");
});

test("what a memory channel holds goes with it: a source that fed it begins at the stored positions", () => {
  using world = new AgentWorld();
  const memory = (bytesMax: number) => ({ channels: new Map([["main", world.holds("memory", { bytesMax })]]) });
  expect(planReload(world.config(memory(9)), world.config(memory(9))).sources.get("in")).toBe("keep");
  expect(planReload(world.config(memory(9)), world.config(memory(10))).sources.get("in")).toBe("renew");
  const gone = planReload(world.config(memory(9)), world.config());
  expect([gone.sources.get("in"), gone.channels.get("main"), gone.sinks.get("main")]).toEqual([
    "renew",
    "renew",
    "renew",
  ]);
});

test("what is new starts, what is named no longer stops", () => {
  const added = planFor(({ sources, channels, sinks }, world) => ({
    sources: withEntry(sources, "c", world.reads(world.file, ["third"])),
    channels: withEntry(channels, "third", world.holds("sqlite")),
    sinks: withEntry(sinks, "four", world.sends(world.destination, "third")),
  }));
  expect(added).toMatchObject({
    sources: ["a keep", "b keep", "c start"],
    channels: ["main keep", "side keep", "third start"],
    sinks: ["main keep", "side keep", "third start"],
  });
  const removed = planFor(({ sources, channels, sinks }, world, other) => ({
    sources: withEntry(without(sources, "a"), "b", world.reads(other, ["main"])),
    channels: without(channels, "side"),
    sinks: without(sinks, "three"),
  }));
  expect(removed).toMatchObject({
    sources: ["a stop", "b rechain"],
    channels: ["side stop", "main keep"],
    sinks: ["side stop", "main keep"],
  });
});

test("one sink more shares out the lanes anew", () => {
  const found = planFor(({ sinks }, world) => ({
    sinks: withEntry(sinks, "four", world.sends(world.destination, "side")),
  }));
  expect(found).toMatchObject({ ...kept, sinks: ["main keep", "side renew"] });
});

test.each([
  ["linger", { lingerMs: 2 }],
  ["stopTimeout", { stopTimeoutMs: 2 }],
  ["admin", { tap: true }],
  ["log", { log: { level: "debug", format: "text" } }],
  ["heartbeat", { heartbeat: { topic: "beats", sink: undefined, everyMs: 1_000, jitter: 0 } }],
] as const)("a reload of the agent's own %s says so", (name, changes) => {
  using world = new AgentWorld();
  const before = world.config();
  const after = { ...before, ...changes };
  expect(describeReload(before, after, planReload(before, after))).toEqual({ settings: name });
  expect(describeReload(before, { ...before }, planReload(before, before))).toEqual({ changed: "nothing" });
});
