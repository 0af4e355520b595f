/** What only the compiled binary can show: its own addon, the analysis in a child of itself, modules from outside. */
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runtimeEnvironment } from "../../../edge/runtime-environment.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { buildEdge } from "../../build/build.ts";

const buildMs = 120_000;

const config = `agent: gw-1
dataDir: data
sources:
  a: { type: tail, paths: [/nonexistent/*.log], channels: main }
channels:
  main: { type: sqlite, freeDisk: 0 }
sinks:
  n: { type: "null", channel: main }
`;

/** Starts the agent in a folder of its own, and stops it when it runs. */
async function runOnce(cwd: string, temp: string): Promise<{ err: string; code: number | null }> {
  writeFileSync(join(cwd, "tailgate.yaml"), config);
  await using child = startChild({
    command: [await buildEdge(), "run", "tailgate.yaml"],
    cwd,
    env: { BUN_TMPDIR: temp, TMPDIR: undefined },
  });
  await Promise.race([child.waitForLine("agent_started", 20_000), child.exited]);
  if (child.exit === undefined) await child.stop();
  return { err: child.stderr, code: (await child.exited).code };
}

async function tailgate(args: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const command = [await buildEdge(), ...args];
  const child = Bun.spawn(command, { cwd, env: { PATH: "/usr/bin", ...env }, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

test(
  "an unpacked addon that a power cut left full of zeros is noticed, removed and unpacked anew",
  async () => {
    using dir = tempDir();
    using temp = tempDir();
    expect((await runOnce(dir.path, temp.path)).code).toBe(0);
    const [name = ""] = readdirSync(temp.path).filter((each) => each.endsWith(".node"));
    const addon = temp.file(name);
    const whole = readFileSync(addon);
    truncateSync(addon, 0);
    truncateSync(addon, whole.length);
    const again = await runOnce(dir.path, temp.path);
    expect(again.err).toContain(`removed ${addon}`);
    expect(again.code).toBe(0);
    expect(readFileSync(addon).equals(whole)).toBe(true);
    expect((await runOnce(dir.path, temp.path)).err).not.toContain("removed");
  },
  buildMs,
);

test(
  "a temp directory that the addon cannot be unpacked into is said in plain words",
  async () => {
    using dir = tempDir();
    const { err, code } = await runOnce(dir.path, "/nonexistent");
    expect(code).toBe(2);
    expect(err).toContain("set BUN_TMPDIR to a folder that does");
  },
  buildMs,
);

test(
  "patterns are analysed by a child of the binary itself, and modules are loaded from beside the config",
  async () => {
    using dir = tempDir();
    mkdirSync(dir.file("etc"));
    writeFileSync(dir.file("etc/mark.ts"), "export default (o: object) => (view: unknown): boolean => true;");
    writeFileSync(
      join(dir.path, "etc/tailgate.yaml"),
      `agent: gw-1
dataDir: data
sources:
  a:
    type: tail
    paths: [/nonexistent/*.log]
    interceptors:
      - { type: regex_filter, include: "^(?:(?:ab)+,)+$" }
      - { type: regex_filter, exclude: "(x+)+y" }
      - { type: module, path: mark.ts }
    channels: main
channels:
  main: { type: sqlite }
sinks:
  n: { type: "null", channel: main }
`,
    );
    const { err, code } = await tailgate(["check", "etc/tailgate.yaml"], dir.path, { BUN_TMPDIR: dir.path });
    expect(err).toContain("interceptors[1].exclude: this pattern could stall the flow (exponential)");
    expect(err).not.toContain("interceptors[0]");
    expect(err).toContain("etc/tailgate.yaml is valid");
    expect(code).toBe(0);
    expect(readdirSync(dir.file("etc")).sort()).toEqual(["mark.ts", "tailgate.yaml"]);
  },
  buildMs,
);

test(
  "code that only the start ran is given back: the idle agent keeps less of its file in memory than it took to start",
  async () => {
    using dir = tempDir();
    using temp = tempDir();
    writeFileSync(dir.file("tailgate.yaml"), config);
    await using child = startChild({
      command: [await buildEdge(), "run", "tailgate.yaml"],
      cwd: dir.path,
      // With the settings there already, it does not begin a second time as another image.
      env: { ...runtimeEnvironment, BUN_TMPDIR: temp.path, TMPDIR: undefined },
    });
    const fileKib = () =>
      Number(/^RssFile:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? 0);
    // Looked at from the first moment: on a busy machine the line that says "started" may be read after the code is gone.
    let mostKib = 0;
    await until(
      "code to be given back",
      () => {
        const kib = fileKib();
        mostKib = Math.max(mostKib, kib);
        return { kib, mostKib };
      },
      ({ kib }) => mostKib > 10_000 && kib < mostKib * 0.85,
      { withinMs: 40_000, everyMs: 5 },
    );
    await child.waitForLine("agent_started", 20_000);
    // It runs on: what it needs of its code comes back.
    await child.stop();
    expect((await child.exited).code).toBe(0);
  },
  buildMs,
);

test(
  "the runtime's settings are the binary's own: a bare start has them, in the same process, with its arguments as they were",
  async () => {
    using dir = tempDir();
    using temp = tempDir();
    writeFileSync(dir.file("tailgate.yaml"), config);
    const bare = Object.fromEntries(Object.keys(runtimeEnvironment).map((name) => [name, undefined]));
    await using child = startChild({
      command: [await buildEdge(), "run", "tailgate.yaml"],
      cwd: dir.path,
      env: { ...bare, BUN_TMPDIR: temp.path, TMPDIR: undefined },
    });
    await child.waitForLine("agent_started", 20_000);
    const environment = readFileSync(`/proc/${child.pid}/environ`, "utf8").split("\0");
    for (const [name, value] of Object.entries(runtimeEnvironment)) expect(environment).toContain(`${name}=${value}`);
    const [, ...args] = readFileSync(`/proc/${child.pid}/cmdline`, "utf8").split("\0");
    expect(args).toEqual(["run", "tailgate.yaml", ""]);
    expect(child.stderr).not.toContain("large_heap");
    await child.stop();
    expect((await child.exited).code).toBe(0);
  },
  buildMs,
);

test.each(["<(cat tailgate.yaml)", "/dev/stdin < <(cat tailgate.yaml)", "--config <(sleep 0.5; cat tailgate.yaml)"])(
  "a config out of a pipe is read at the start, though the runtime starts itself anew: run %s",
  async (given) => {
    using dir = tempDir();
    using temp = tempDir();
    writeFileSync(dir.file("tailgate.yaml"), config.replace("dataDir: data", `dataDir: ${dir.file("data")}`));
    const bare = Object.fromEntries(Object.keys(runtimeEnvironment).map((name) => [name, undefined]));
    await using child = startChild({
      command: ["bash", "-c", `exec ${await buildEdge()} run ${given}`],
      cwd: dir.path,
      env: { ...bare, BUN_TMPDIR: temp.path, TMPDIR: undefined },
    });
    await child.waitForLine("agent_started", 20_000);
    child.signal("SIGHUP");
    await child.waitForLine("config_reload_refused", 20_000);
    expect(child.stderr).toContain("it is a FIFO, and what comes out of one comes once");
    await child.stop();
    expect((await child.exited).code).toBe(0);
  },
  buildMs,
);

test(
  "a SIGHUP while the runtime starts itself anew does not end it",
  async () => {
    using dir = tempDir();
    using temp = tempDir();
    writeFileSync(dir.file("tailgate.yaml"), config);
    const binary = await buildEdge();
    const bare = Object.fromEntries(Object.keys(runtimeEnvironment).map((name) => [name, undefined]));
    for (let run = 0; run < 8; run++) {
      await using child = startChild({
        command: [binary, "run", "tailgate.yaml"],
        cwd: dir.path,
        env: { ...bare, BUN_TMPDIR: temp.path, TMPDIR: undefined },
      });
      // From the moment that it ignores the signal on (bit 1 of SigIgn, proc_pid_status(5)) or catches it.
      const minds = () => /^Sig(?:Ign|Cgt):\t[0-9a-f]*[13579bdf]$/m.test(statusOf(child.pid));
      while (!minds() && child.exit === undefined) await Bun.sleep(0);
      for (let time = 0; time < 60 && child.exit === undefined; time++) {
        process.kill(child.pid, "SIGHUP");
        await Bun.sleep(1);
      }
      await child.waitForLine("agent_started", 20_000);
      await child.stop();
      expect((await child.exited).code).toBe(0);
    }
  },
  buildMs,
);

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, "utf8");
}
