import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { FakeIntake } from "../testing/fakes/intake.ts";
import { GeneratorSource } from "./generator-source.ts";

test("a generator makes no more in a second than asked for, and nothing while the channel is full", async () => {
  const options = { totalEvents: undefined, eventsPerSecondMax: 100, isStored: false, body: () => Buffer.from("a") };
  const source = new GeneratorSource(options);
  const intake = new FakeIntake();
  const stop = new AbortController();
  const startMs = performance.now();
  const running = source.run(intake, stop.signal);
  await until("some", () => intake.lines.length >= 20);
  expect(intake.lines.length).toBeLessThanOrEqual(((performance.now() - startMs) / 1_000) * 100 + 20);
  intake.block();
  await Bun.sleep(120);
  const blocked = intake.lines.length;
  await Bun.sleep(100);
  expect(intake.lines.length).toBe(blocked);
  stop.abort();
  await running;
});
