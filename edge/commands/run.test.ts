import { expect, test } from "bun:test";
import { appendFileSync, existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { freePort } from "../../shared/testing/free-port.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { good } from "../testing/fakes/config.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { readArguments } from "./command.ts";
import { run } from "./run.ts";

const main = join(import.meta.dir, "../main.ts");

function configOf(port: number): string {
  return `agent: gw-1
dataDir: data
linger: 10ms
sources:
  a: { type: tail, paths: ["*.log"], pollInterval: 100ms, channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: logger, channel: main }
admin: { address: "127.0.0.1:${port}" }
`;
}

function start(cwd: string) {
  return startChild({ command: [process.execPath, main, "run", "tailgate.yaml"], cwd, name: "tailgate" });
}

test("a wrong config is exit code 2, and no data directory is made", async () => {
  using dir = tempDir();
  const config = good.replace("type: tail", "type: tial").replace("/var/lib/tailgate", "data");
  writeFileSync(dir.file("tailgate.yaml"), config);
  let err = "";
  const code = await run.run(readArguments(run, [dir.file("tailgate.yaml")]), {
    registry: fakeRegistry,
    environment: {},
    outBytes: async () => {},
    out: () => {},
    err: (text) => {
      err += text;
    },
  });
  expect(code).toBe(2);
  expect(err).toContain("1 mistake in the config");
  expect(readdirSync(dir.path)).toEqual(["tailgate.yaml"]);
});

test("the agent runs, is seen through the admin HTTP, and SIGTERM ends it with 0", async () => {
  using dir = tempDir();
  const port = await freePort();
  writeFileSync(dir.file("tailgate.yaml"), configOf(port));
  writeFileSync(dir.file("a.log"), "one\ntwo\n");
  await using child = start(dir.path);
  await child.waitForLine('"body":"two"', 20_000);
  expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).toBe("ready\n");
  const status = async (): Promise<unknown> => (await fetch(`http://127.0.0.1:${port}/status`)).json();
  const sent = (answer: unknown) => JSON.stringify(answer).includes('"sent":2,"held":0');
  const answer = await until("both lines to be sent", status, sent);
  expect(answer).toMatchObject({ books: [{ stream: "a", channel: "main", read: 2, filtered: 0, held: 0 }] });
  expect(await child.stop()).toMatchObject({ code: 0 });
}, 40_000);

test("SIGHUP with a wrong config says what is wrong and leaves the running one in force", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), configOf(await freePort()));
  await using child = start(dir.path);
  await child.waitForLine("agent_started", 20_000);
  writeFileSync(dir.file("tailgate.yaml"), "agent: [");
  child.signal("SIGHUP");
  await child.waitForLine("config_reload_refused");
  expect(child.stderr).toMatch(/tailgate\.yaml:\d+:\d+: /);
  writeFileSync(dir.file("a.log"), "after\n");
  await child.waitForLine('"body":"after"', 20_000);
}, 40_000);

test("a config that comes out of a pipe is read at the start; SIGHUP says that it cannot come again, and all goes on", async () => {
  using dir = tempDir();
  writeFileSync(
    dir.file("tailgate.yaml"),
    configOf(await freePort())
      .replace("dataDir: data", `dataDir: ${dir.file("data")}`)
      .replace("*.log", dir.file("*.log")),
  );
  const script = `exec "${process.execPath}" ${main} run <(sleep 0.2; cat tailgate.yaml)`;
  await using child = startChild({ command: ["bash", "-c", script], cwd: dir.path, name: "tailgate" });
  await child.waitForLine("agent_started", 20_000);
  child.signal("SIGHUP");
  await child.waitForLine("config_reload_refused");
  expect(child.stderr).toMatch(/it is a FIFO, .* read at the start alone/);
  writeFileSync(dir.file("a.log"), "after\n");
  await child.waitForLine('"body":"after"', 20_000);
}, 40_000);

test("SIGHUP with a FIFO in the place of the config, or of a secret, says so and leaves the running one in force", async () => {
  using dir = tempDir();
  const config = configOf(await freePort());
  writeFileSync(dir.file("tailgate.yaml"), config);
  await using child = start(dir.path);
  await child.waitForLine("agent_started", 20_000);
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  const secret = config.replace("linger: 10ms", "linger: $" + "{file:fifo}");
  for (const put of [
    () => renameSync(dir.file("fifo"), dir.file("tailgate.yaml")),
    () => {
      renameSync(dir.file("tailgate.yaml"), dir.file("fifo"));
      writeFileSync(dir.file("tailgate.yaml"), secret);
    },
  ]) {
    put();
    const refusals = () => child.stderr.split("config_reload_refused").length;
    const before = refusals();
    child.signal("SIGHUP");
    await until("the refusal", refusals, (now) => now > before);
  }
  expect(child.stderr).toMatch(/read the config: it is a FIFO/);
  expect(child.stderr).toMatch(/read the secret from \S+fifo: it is a FIFO/);
  writeFileSync(dir.file("a.log"), "after\n");
  await child.waitForLine('"body":"after"', 20_000);
  expect(await child.stop()).toMatchObject({ code: 0 });
}, 40_000);

test("SIGHUP with a new config puts it in force, admin address and all, without repeating a line", async () => {
  using dir = tempDir();
  const [before, after] = [await freePort(), await freePort()];
  writeFileSync(dir.file("tailgate.yaml"), configOf(before));
  writeFileSync(dir.file("a.log"), "one\n");
  await using child = start(dir.path);
  await child.waitForLine('"body":"one"', 20_000);
  const changed = configOf(after).replace(
    "channels: main",
    'channels: main, interceptors: [{ type: static, headers: { h: "2" } }]',
  );
  writeFileSync(dir.file("tailgate.yaml"), changed);
  child.signal("SIGHUP");
  await child.waitForLine("config_reloaded", 20_000);
  appendFileSync(dir.file("a.log"), "two\n");
  await child.waitForLine('"body":"two"', 20_000);
  expect((await fetch(`http://127.0.0.1:${after}/livez`)).status).toBe(200);
  expect(fetch(`http://127.0.0.1:${before}/livez`)).rejects.toThrow();
  expect(await child.stop()).toMatchObject({ code: 0 });
  expect(child.stdout.match(/"body":"one"/g)).toHaveLength(1);
  expect(child.stdout).toContain('"h":"2"');
}, 40_000);

test("a port that is taken stops the start with exit code 2, before the channel is touched", async () => {
  using dir = tempDir();
  const port = await freePort();
  const server = Bun.serve({ port, hostname: "127.0.0.1", fetch: () => new Response() });
  try {
    writeFileSync(dir.file("tailgate.yaml"), configOf(port));
    await using child = start(dir.path);
    expect(await child.exited).toMatchObject({ code: 2 });
    expect(child.stderr).toContain(`listen on 127.0.0.1:${port}`);
    expect(existsSync(dir.file("data"))).toBe(false);
  } finally {
    await server.stop(true);
  }
}, 40_000);
