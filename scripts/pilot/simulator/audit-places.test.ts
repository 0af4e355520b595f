import { expect, test } from "bun:test";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { LineAudit } from "./audit.ts";
import { auditBytes, auditFolder, auditStore } from "./audit-places.ts";
import { withDefaults, worldsOf } from "./options.ts";
import { renderLine } from "./scenario.ts";

const segments = [{ fromLine: 0, startMs: 1_700_000_000_000 }];
const { driving, status } = worldsOf(withDefaults({ out: "", cars: 2 }));
const worlds = { driving: { ...driving, segments }, status: { ...status, segments } };
const line = (k: number) => renderLine(worlds.driving, k);
const newAudit = () => new LineAudit(worlds, { driving: 6, status: 0 });

test("bytes are taken line by line, and a last line without its end counts", () => {
  const audit = newAudit();
  auditBytes(audit, Buffer.from([0, 1, 2, 3, 4, 5].map(line).join("\n")), "file");
  expect(audit.result("driving")).toMatchObject({ ok: true, arrived: 6 });
});

test("a folder is read with the folders below it, in the order in which its files were changed", () => {
  using dir = tempDir();
  mkdirSync(dir.file("later"));
  writeFileSync(dir.file("later/a.log"), `${[2, 3, 4, 5].map(line).join("\n")}\n`);
  writeFileSync(dir.file("z.log"), `${[0, 1].map(line).join("\n")}\n`);
  utimesSync(dir.file("z.log"), 1, 1);
  const audit = newAudit();
  auditFolder(audit, dir.path);
  expect(audit.result("driving")).toMatchObject({ ok: true, arrived: 6 });
});

/** A centre that serves two vehicles, an event a page, by event time: that of lane number 2 is the earliest. */
function startCentre(eventsOf: (vehicle: string) => { value: string; seq: number }[]) {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const at = Number(searchParams.get("cursor") ?? 0);
      const page = <T>(rows: readonly T[], name: string) =>
        Response.json({ [name]: rows.slice(at, at + 1), ...(at + 1 < rows.length ? { next: String(at + 1) } : {}) });
      if (pathname.endsWith("/vehicles")) return page([{ vehicle: "car-000" }, { vehicle: "car-001" }], "vehicles");
      const events = eventsOf(searchParams.get("vehicle") ?? "");
      return page(
        events.map(({ value, seq }) => ({ value, identity: { agent: "a", epoch: "e", lane: 0, seq } })).reverse(),
        "events",
      );
    },
  });
}

const ownLines = (vehicle: string) =>
  [0, 1, 2].map((n) => ({ value: line(n * 2 + Number(vehicle.slice(-1))), seq: n }));

test("the store is read over all pages of all vehicles, in the order of the lane's numbers", async () => {
  const centre = startCentre(ownLines);
  const audit = newAudit();
  await auditStore(audit, centre.url.href, "driving");
  expect(audit.result("driving")).toMatchObject({ ok: true, arrived: 6 });
  await centre.stop(true);
});

test("numbers that disagree with the order of writing are out of order", async () => {
  const centre = startCentre((vehicle) => ownLines(vehicle).map(({ value, seq }) => ({ value, seq: 2 - seq })));
  const audit = newAudit();
  await auditStore(audit, centre.url.href, "driving");
  expect(audit.result("driving")).toMatchObject({ ok: false, missing: 0, outOfOrder: 4 });
  await centre.stop(true);
});

test("a centre that refuses is an error, not an empty store", async () => {
  const centre = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("busy", { status: 503 }) });
  await expect(auditStore(newAudit(), centre.url.href, "driving")).rejects.toThrow("503 busy");
  await centre.stop(true);
});
