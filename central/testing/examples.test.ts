import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../shared/clock/clock.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { anybody } from "../ledger/admission.ts";
import { example as route } from "./example-route/routes.ts";
import { example as store } from "./example-store/kind.ts";

test("the example of a store opens what its address names, and the example of a resource has its route", async () => {
  const name = `tailgate-example-${process.pid}`;
  const writer = store.writer(`example://${name}`, { clock: systemClock, report: silent, rules: anybody });
  await writer.probe();
  expect(writer.id).toBeString();
  await writer.close();
  for (const end of ["", "-wal", "-shm"]) rmSync(join(tmpdir(), `${name}.db${end}`), { force: true });
  expect(route.name).toBe("example");
});
