import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import type { TapPoint } from "../taps/tap.ts";
import { AgentWorld, numbered } from "../testing/fakes/agent-world.ts";
import type { Agent } from "./agent.ts";

const hasSent = (agent: Agent, lines: number) =>
  until("the lines to be sent", () => agent.status().books.every(({ sent }) => sent === lines));

/** Looks, and gathers what is shown. */
function look(agent: Agent, point: TapPoint) {
  const opened = agent.tap({ point, eventsPerSecond: 1_000, bodyBytesMax: 512, nowMs: () => performance.now() });
  if (opened?.kind !== "open") throw new Error(`not opened: ${JSON.stringify(opened)}`);
  const shown: Record<string, unknown>[] = [];
  const reading = (async () => {
    for await (const part of opened.tap.parts()) {
      for (const line of Buffer.from(part).toString("utf8").trimEnd().split("\n")) {
        const said = JSON.parse(line);
        if (said.kind === "event") shown.push(said);
      }
    }
  })();
  const stop = async () => {
    opened.close();
    await reading;
  };
  return { shown, stop };
}

test("a source, an interceptor and a lane are seen as events pass, and the flow is the same", async () => {
  using world = new AgentWorld();
  const config = world.config({ keep: (line) => !line.includes("7"), tap: true });
  const agent = await world.started(config);
  world.file.write("before");
  await hasSent(agent, 1);
  const source = look(agent, { kind: "source", stream: "in" });
  const wanted = look(agent, { kind: "interceptor", stream: "in", interceptor: "wanted" });
  const lane = look(agent, { kind: "lane", stream: "in", lane: 0, channel: "main" });
  world.file.write(...numbered("line", 10));
  await hasSent(agent, 10);
  await until("what passed to be shown", () => source.shown.length === 10 && lane.shown.length === 9);
  expect(source.shown.map(({ body }) => body)).toEqual(numbered("line", 10));
  expect(wanted.shown.filter(({ kept }) => kept === false)).toMatchObject([{ body: "line 7" }]);
  expect(lane.shown.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(world.destination.lines).toEqual(["before", ...numbered("line", 10).filter((line) => line !== "line 7")]);

  for (const each of [source, wanted, lane]) await each.stop();
  world.file.write("after");
  await hasSent(agent, 11);
  expect(source.shown).toHaveLength(10);
  expect(world.broken).toEqual([]);
  await agent.stop();
});

test("a tap sees on after its source was made anew, and after a reload; one that the config forbids ends", async () => {
  using world = new AgentWorld();
  const agent = await world.started(world.config({ tap: true }));
  const { shown } = look(agent, { kind: "source", stream: "in" });
  world.file.write("one");
  await until("one to be shown", () => shown.length === 1);
  await agent.reload(world.config({ tap: true, keep: () => true }));
  world.file.write("two");
  await until("two to be shown", () => shown.length === 2);
  world.file.failure = new Error("a bad file");
  world.file.write("three");
  await until("three to be shown", () => shown.length >= 3, Boolean, { withinMs: 30_000 });
  await agent.reload(world.config({ tap: false }));
  world.file.write("four");
  await hasSent(agent, 4);
  expect(shown.some(({ body }) => body === "four")).toBe(false);
  await agent.stop();
}, 60_000);

test("a place that is not there is said, with the nearest name", async () => {
  using world = new AgentWorld();
  const agent = await world.started(world.config({ keep: () => true }));
  world.file.write("a line");
  await hasSent(agent, 1);
  const ask = (point: TapPoint) => agent.tap({ point, eventsPerSecond: 1, bodyBytesMax: 1, nowMs: () => 0 });
  expect(ask({ kind: "source", stream: "inn" })).toEqual({
    kind: "unknown",
    message: 'there is no source "inn" (did you mean "in"?)',
  });
  expect(ask({ kind: "interceptor", stream: "in", interceptor: "wantd" })).toEqual({
    kind: "unknown",
    message: 'source "in" has no interceptor "wantd" (did you mean "wanted"?)',
  });
  expect(ask({ kind: "lane", stream: "in", lane: 9, channel: undefined })).toEqual({
    kind: "unknown",
    message: 'source "in" has no lane 9 that holds or takes anything (0 of channel main)',
  });
  await agent.stop();
  expect(ask({ kind: "source", stream: "in" })).toBeUndefined();
});
