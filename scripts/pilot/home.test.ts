import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { noteWay, openHome } from "./home.ts";

test("ports are chosen once and are free then; the second start finds the same", async () => {
  using dir = tempDir();
  const first = await openHome(dir.path);
  for (const port of Object.values(first.ports)) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  }
  expect((await openHome(dir.path)).ports).toEqual(first.ports);
  for (const folder of [first.kafkaDir, first.edgeDir, first.pilotDir, first.logs])
    expect(existsSync(folder)).toBe(true);
});

test("the ways that lines have taken are kept from start to start", () => {
  using dir = tempDir();
  const home = { folder: dir.path };
  expect(noteWay(home, "relay")).toEqual(["relay"]);
  expect(noteWay(home, "kafka")).toEqual(["relay", "kafka"]);
  expect(noteWay(home, "relay")).toEqual(["relay", "kafka"]);
});
