/** The compiled central by itself, in a folder with files that must not be run. */
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { startChild } from "../../shared/testing/child.ts";
import { freePort } from "../../shared/testing/free-port.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { buildCentral } from "./build.ts";

test("runs alone, its writing half too, and takes nothing from .env or bunfig.toml of the folder that it stands in", async () => {
  using dir = tempDir();
  const binary = dir.file("central");
  copyFileSync(await buildCentral(), binary);
  writeFileSync(dir.file("planted.ts"), `require("node:fs").writeFileSync(${JSON.stringify(dir.file("run"))}, "");`);
  writeFileSync(dir.file("bunfig.toml"), 'preload = ["./planted.ts"]\n');
  writeFileSync(dir.file(".env"), "TAILGATE_TOPICS=planted\nTAILGATE_API_KEY=planted-by-somebody-else\n");
  await using help = startChild({ command: [binary, "--help"], cwd: dir.path });
  expect(await help.exited).toEqual({ code: 0, signal: null });
  expect(help.stdout).toContain("service install");
  expect(help.stderr).toBe("");

  const port = await freePort();
  writeFileSync(
    dir.file("central.yaml"),
    `kafka: { brokers: ["127.0.0.1:1"] }\ntopics: [drive]\nstore: central.db\nlisten: "127.0.0.1:${port}"\n`,
  );
  await using unit = startChild({
    command: [binary, "service", "install", "--print", "--config", "central.yaml"],
    cwd: dir.path,
  });
  expect((await unit.exited).code).toBe(0);
  expect(unit.stdout).toContain(`ExecStart=${binary} --config ${dir.file("central.yaml")}`);

  await using central = startChild({ command: [binary, "--config", "central.yaml"], cwd: dir.path });
  // Ready: the worker has opened the store. No key is asked for: the planted one was not taken.
  await until(
    "central to be ready",
    async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status,
    (status) => status === 200,
  );
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/status`)).status).toBe(200);
  // The page is in the binary: nothing of its sources is on the machine.
  const html = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  for (const [, path] of html.matchAll(/(?:src|href)="([^"]*)"/g)) {
    const file = await fetch(`http://127.0.0.1:${port}${path}`);
    expect([path, file.status, (await file.text()).length > 100]).toEqual([path, 200, true]);
  }
  expect(html).toContain('<script type="module" src="/assets/page-');
  expect(await central.stop()).toEqual({ code: 0, signal: null });
  expect(existsSync(dir.file("run"))).toBe(false);
}, 120_000);
