import { expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test("its example is a valid config", () => {
  expect(definition.read(definition.example)).toMatchObject({ ok: true });
  expect(definition.read({ noSuchField: 1 })).toMatchObject({ ok: false });
});

test("killed again and again, each number comes once and in order", async () => {
  using dir = tempDir();
  const work = new CommittedWork();
  for (let round = 0; round < 6; round++) {
    const run = runSource({ definition, config: { totalEvents: 20_000 }, dataDir: dir.path, work });
    await until("some more", () => run.intake.pending.length > 0 || run.source.status().next === 20_000);
    if (round % 2 === 0) run.intake.commit();
    await run.crash();
  }
  const last = runSource({ definition, config: { totalEvents: 20_000 }, dataDir: dir.path, work });
  await until("all", () => last.intake.lines.length >= 20_000);
  await last.stop();
  expect(work.lines).toEqual(numbers(20_000));
  expect(work.positions.get("next")).toBe("20000");
});
