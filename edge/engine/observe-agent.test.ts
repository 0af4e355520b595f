import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { AgentWorld, numbered } from "../testing/fakes/agent-world.ts";

/** The metrics page as a table. */
function figures(page: string): ReadonlyMap<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("the metrics page says of every stream what became of its events, and of every channel what it holds", async () => {
  using world = new AgentWorld();
  world.destination.away = true;
  world.file.write(...numbered("line", 30), ...numbered("noise", 12));
  const agent = await world.started(world.config({ keep: (line) => line.startsWith("line") }));
  const read = (name: string) => figures(world.metrics.render()).get(name);
  const events = (as: string) => read(`tailgate_events_total{as="${as}",channel="main",stream="in"}`);
  await until("the lines to be read", () => events("read") === 42);
  expect(["filtered", "unselected", "dropped", "shed", "dead", "sent", "held"].map(events)).toEqual([
    12, 0, 0, 0, 0, 0, 30,
  ]);
  expect(read('tailgate_channel_events{channel="main"}')).toBe(30);
  expect(read('tailgate_channel_batches{channel="main"}')).toBe(1);
  expect(read('tailgate_channel_bytes{channel="main"}')).toBeGreaterThan(30 * 6);
  expect(read('tailgate_channel_bytes_max{channel="main"}')).toBe(64 * 1024 * 1024);

  world.destination.away = false;
  await until("the lines to be sent", () => events("sent") === 30);
  expect(events("held")).toBe(0);
  expect(read('tailgate_channel_events{channel="main"}')).toBe(0);
  expect(read("tailgate_commits_total")).toBeGreaterThan(0);
  await agent.stop();
});

test("a hold-up of the event loop shows as its lag", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  const lag = () => figures(world.metrics.render()).get('tailgate_event_loop_lag_seconds{quantile="1"}') ?? 0;
  // Longer than from one sample to the next.
  const endMs = performance.now() + 500;
  while (performance.now() < endMs);
  await until("the lag to be seen", () => lag() > 0.1);
  expect(lag()).toBeLessThan(5);
  await agent.stop();
});

test("the page tells what only grows from what does not", async () => {
  using world = new AgentWorld();
  const agent = await world.started();
  expect(world.metrics.render()).toContain("# TYPE tailgate_events_total counter");
  expect(world.metrics.render()).toContain("# TYPE tailgate_channel_events gauge");
  await agent.stop();
});
