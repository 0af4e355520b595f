import { expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

test("stress makes events of one size, so many after each start", async () => {
  using dir = tempDir();
  await using run = runSource({ definition, config: { size: "2KiB", totalEvents: 2_500 }, dataDir: dir.path });
  await until("all", () => run.intake.lines.length === 2_500);
  expect(new Set(run.intake.lines)).toEqual(new Set(["\u007f".repeat(2_048)]));
  expect(run.source.status()).toEqual({ next: 2_500 });
  expect(definition.read(definition.example)).toMatchObject({ ok: true });
});
