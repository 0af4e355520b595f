import { expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { figures, renderTable } from "./figures.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

const main = join(import.meta.dir, "../../main.ts");

function configOf(admin: string): string {
  return `agent: gw-1
dataDir: data
linger: 10ms
sources:
  a:
    type: tail
    paths: ["*.log"]
    pollInterval: 100ms
    interceptors: [{ type: regex_filter, name: no-debug, exclude: debug }]
    channels: main
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  out: { type: logger, channel: main }
admin: ${admin}
`;
}

const start = (cwd: string, ...words: readonly string[]) =>
  startChild({ command: [process.execPath, main, ...words], cwd, name: words[0] ?? "" });

test("a running agent on a Unix socket: top shows its parts, tap its events, both end by themselves", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), configOf(`{ address: "${dir.file("own/admin.sock")}" }`));
  writeFileSync(dir.file("a.log"), "one\n");
  await using agent = start(dir.path, "run", "tailgate.yaml");
  await agent.waitForLine('"body":"one"', 20_000);

  await using tap = start(dir.path, "tap", "a", "tailgate.yaml", "--interceptor", "no-debug", "--count", "2");
  let written = 0;
  await until(
    "two events to be shown",
    () => {
      appendFileSync(dir.file("a.log"), written++ % 2 === 0 ? "a debug line\n" : "\u001b[31mred\n");
      return tap.stdout.split("\n").length > 2;
    },
    Boolean,
    { withinMs: 30_000, everyMs: 200 },
  );
  expect(await tap.exited).toEqual({ code: 0, signal: null });
  const shown = tap.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(shown.map(({ kept }) => kept).toSorted()).toEqual([false, true]);
  expect(shown.map(({ body }) => body).toSorted()).toEqual(["\u001b[31mred", "a debug line"].toSorted());
  expect(tap.stdout).not.toContain("\u001b");

  await using top = start(dir.path, "top", "tailgate.yaml", "--once", "--every", "300ms");
  expect(await top.exited).toEqual({ code: 0, signal: null });
  expect(top.stdout).toMatch(/^agent gw-1: running\n/);
  expect(top.stdout).toMatch(/\nSOURCE +READ\/S +FILTERED\/S +STATE\na +\S+ +\S+ +running\n {2}no-debug +\S+\n/);
  expect(top.stdout).toMatch(/\nCHANNEL .*\nmain +0 +0 B +0\.0 % +yes\n/);
  expect(top.stdout).toMatch(/\nSINK .*\nout +0 +1 +idle\n/);
  expect(top.stdout).toMatch(/\nLANE .*\na\.0 +0 +0 +out .*idle\n/);

  await using unknown = start(dir.path, "tap", "b", "tailgate.yaml");
  expect(await unknown.exited).toEqual({ code: 2, signal: null });
  expect(unknown.stderr).toContain('404: there is no source "b"');
  expect(await agent.stop()).toMatchObject({ code: 0 });
}, 90_000);

test("on loopback events are shown where the config says so, and figures always", async () => {
  using dir = tempDir();
  const port = await freePort();
  writeFileSync(dir.file("tailgate.yaml"), configOf(`{ address: "127.0.0.1:${port}" }`));
  await using agent = start(dir.path, "run", "tailgate.yaml");
  await agent.waitForLine("agent_started", 20_000);
  await using tap = start(dir.path, "tap", "a", "--admin", `127.0.0.1:${port}`);
  expect(await tap.exited).toEqual({ code: 1, signal: null });
  expect(tap.stderr).toContain("403: this address may not show what events say");
  await using top = start(dir.path, "top", "--once", "--every", "100ms", "--admin", `127.0.0.1:${port}`);
  expect(await top.exited).toEqual({ code: 0, signal: null });

  writeFileSync(dir.file("tailgate.yaml"), configOf(`{ address: "127.0.0.1:${port}", tap: true }`));
  agent.signal("SIGHUP");
  await agent.waitForLine("config_reloaded", 20_000);
  await using allowed = start(dir.path, "tap", "a", "tailgate.yaml", "--count", "1");
  await until(
    "an event to be shown",
    () => {
      appendFileSync(dir.file("a.log"), "line\n");
      return allowed.stdout !== "";
    },
    Boolean,
    { withinMs: 30_000, everyMs: 200 },
  );
  expect(await allowed.exited).toEqual({ code: 0, signal: null });
  await agent.stop();
}, 90_000);

test("nobody there, no admin, a strange answer: said, and the exit code is not 0", async () => {
  using dir = tempDir();
  const port = await freePort();
  const code = async (...words: readonly string[]) => {
    await using child = start(dir.path, ...words);
    const { code: left } = await child.exited;
    return [left, child.stderr];
  };
  expect(await code("top", "--once", "--admin", `127.0.0.1:${port}`)).toEqual([
    1,
    expect.stringContaining("EDGE_AGENT_UNREACHABLE"),
  ]);
  expect(await code("tap", "a", "--admin", dir.file("none.sock"))).toEqual([1, expect.stringContaining("none.sock")]);
  writeFileSync(dir.file("t.yaml"), configOf("").replace("admin: \n", ""));
  expect(await code("top", "t.yaml")).toEqual([2, expect.stringContaining("t.yaml has no admin HTTP")]);
  expect(await code("top", "--every", "1")).toEqual([2, expect.stringContaining("--every")]);
  expect(await code("tap")).toEqual([2, expect.stringContaining("<source> is missing")]);
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({ hello: "you" }) });
  try {
    expect(await code("top", "--once", "--admin", `127.0.0.1:${other.port}`)).toEqual([
      1,
      expect.stringContaining("not what an agent answers"),
    ]);
  } finally {
    await other.stop(true);
  }
}, 90_000);

test("rates are differences over the time between two looks; lanes that hold most come first", () => {
  const at = (atMs: number, read: number, sent: readonly number[]): Snapshot => {
    const lanes = sent.map((each, number) => ({
      lane: { stream: "s", number, epoch: "e" },
      sent: each,
      held: number * 10,
    }));
    const runs = sent.map((_, lane) => ({ stream: "s", lane, epoch: "e", group: "t", state: { kind: "sending" } }));
    const page = {
      agent: "gw",
      state: "running",
      sources: { s: { state: "running", more: 1 } },
      channels: {
        main: { events: 30, bytes: 512, bytesMax: 1_024, oldestMs: 180_000, admission: "blocked", lanes },
      },
      sinks: { out: { lanes: runs } },
      books: [{ stream: "s", channel: "main", read, filtered: read / 2 }],
      filtered: { s: { "no-debug": read / 2 } },
    };
    const snapshot = readSnapshot(page, atMs);
    if (snapshot === undefined) throw new Error("not read");
    return snapshot;
  };
  const [sources, channels, sinks, lanes] = figures(at(0, 0, [0, 5]), at(2_000, 4_000, [3, 3_005]));
  expect(sources?.slice(1)).toEqual([
    ["s", "2,000", "1,000", "running"],
    ["  no-debug", "", "1,000", ""],
  ]);
  expect(channels?.slice(1)).toEqual([["main", "30", "512 B", "50.0 %", "3 min", "blocked"]]);
  expect(sinks?.slice(1)).toEqual([["out", "1,502", "2", "sending"]]);
  expect(lanes?.slice(1)).toEqual([
    ["s.1", "10", "1,500", "out", "t", "sending"],
    ["s.0", "0", "1.5", "out", "t", "sending"],
  ]);
  const many = figures(at(0, 0, []), at(1, 0, Array(50).fill(0)))[3] ?? [];
  expect([many.length, many.at(-1)]).toEqual([22, ["and 30 more"]]);
  expect(
    renderTable([
      ["A", "N", "B"],
      ["x", "1", "y"],
      ["long", "1,000", ""],
    ]),
  ).toEqual(["A     N      B", "x         1  y", "long  1,000"]);
  expect(readSnapshot({ no: "page" }, 0)).toBeUndefined();
});
