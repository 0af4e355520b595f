import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import type { Source } from "../core/source.ts";
import { AgentWorld, numbered } from "../testing/fakes/agent-world.ts";
import { PushDesk } from "./push-desk.ts";

/** An agent with a real channel file whose only source is a desk. */
async function agentWithDesk(world: AgentWorld, channel: "sqlite" | "memory" = "sqlite") {
  const desk = new PushDesk();
  const source: Source = {
    start: async () => undefined,
    run: (intake, signal) => desk.run(intake, signal),
    stop: async () => undefined,
    status: () => desk.status(),
  };
  const reads = { ...world.reads(world.file, ["main"]), type: "push", make: { config: {}, create: () => source } };
  const config = world.config({
    lingerMs: 60_000,
    sources: new Map([["in", reads]]),
    channels: new Map([["main", world.holds(channel)]]),
  });
  const agent = await world.started(config);
  const send = (text: string) => desk.offer([{ body: Buffer.from(text) }]);
  return { agent, desk, send };
}

function commitsIn(world: AgentWorld): number {
  return Number(/^tailgate_commits_total (\d+)$/m.exec(world.metrics.render())?.[1] ?? 0);
}

test("a hundred senders ride in three commits of the channel file at most, and are told after theirs", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  const { agent, send } = await agentWithDesk(world);
  await until("the desk to be open", async () => (await send("first")).kind === "taken");
  const before = commitsIn(world);
  const answers = await Promise.all(numbered("line", 100).map(send));
  expect(answers).toEqual(answers.map(() => ({ kind: "taken", durable: true })));
  expect(commitsIn(world) - before).toBeLessThanOrEqual(3);
  expect(agent.status().channels.main?.events).toBe(101);
  await world.kill(agent);

  const again = await agentWithDesk(world);
  expect(again.agent.status().channels.main?.events).toBe(101);
  await again.agent.stop();
});

test("over a memory channel the answer says that a crash loses it", async () => {
  using world = new AgentWorld();
  const { agent, send } = await agentWithDesk(world, "memory");
  await until("an answer", async () => (await send("first")).kind === "taken");
  expect(await send("second")).toEqual({ kind: "taken", durable: false });
  await agent.stop();
  expect(await send("third")).toEqual({ kind: "not_taken", reason: "stopping" });
});

test("what waits is bounded by bytes", async () => {
  const desk = new PushDesk({ bytesMax: 1_000 });
  expect(await desk.offer([{ body: Buffer.alloc(10) }])).toEqual({ kind: "not_taken", reason: "stopping" });
  using world = new AgentWorld();
  const { agent, desk: open } = await agentWithDesk(world);
  await until("an answer", async () => (await open.offer([{ body: Buffer.alloc(10) }])).kind === "taken");
  const large = Array.from({ length: 20 }, () => ({ body: Buffer.alloc(500_000) }));
  expect(await open.offer(large)).toEqual({ kind: "not_taken", reason: "too_large" });
  const half = large.slice(0, 9);
  const answers = await Promise.all([open.offer(half), open.offer(half), open.offer(half)]);
  expect(answers.map(({ kind }) => kind)).toEqual(["taken", "not_taken", "not_taken"]);
  expect(open.status()).toMatchObject({ waiting: 0, waitingBytes: 0 });
  await agent.stop();
});

test("headers past the bound are left out, and that is counted", async () => {
  using world = new AgentWorld();
  const { agent, desk } = await agentWithDesk(world);
  const headers = Object.fromEntries(numbered("header", 40).map((name) => [name, "x"]));
  await until("an answer", async () => (await desk.offer([{ body: Buffer.from("a"), headers }])).kind === "taken");
  expect(world.store?.counters("in").get("headers_left_out")).toBe(8);
  await agent.stop();
});
