import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { loopbackName, type MuslMachine, muslMachine } from "./world/musl-machine.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

/** Runs a verb of the edge to its end, there. */
async function run(machine: MuslMachine, ...words: string[]) {
  const environment = { BUN_TMPDIR: undefined, NOTIFY_SOCKET: undefined };
  await using child = startChild({ command: machine.wrap([...machine.binary, ...words]), env: environment });
  const { code } = await child.exited;
  return { code, stdout: child.stdout, stderr: child.stderr };
}

// An emulator starts slowly: the same, in a shorter form.
for (const [architecture, lines, withinMs] of [
  ["x64", 5_000, 20_000],
  ["arm64", 1_000, 60_000],
] as const) {
  test(`linux-${architecture}-musl, where there is no glibc: it moves lines, also after kill -9`, async () => {
    using folder = tempDir("tailgate-musl-");
    const machine = await muslMachine(folder, architecture);
    const { port } = broker();
    await using world = await startWorld({
      broker: broker(),
      brokers: `${loopbackName}:${port}`,
      edge: { binary: machine.binary, wrap: machine.wrap, cwd: "/" },
    });
    const { edge, log } = world;
    expect(await run(machine, "version")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`(linux-${architecture}-musl, `),
    });
    await edge.start(undefined, withinMs);
    log.write(lines);
    await edge.hasSettled(log.written, withinMs);
    // Allocated, not written: the C library was found and called.
    const reserve = readFileSync(join(world.dataDir, "channel.reserve"));
    expect(reserve.length).toBeGreaterThan(0);
    expect(reserve.equals(Buffer.alloc(reserve.length))).toBe(true);
    expect(loadedBy(edge.pid)).toEqual({ musl: true, glibc: false });
    await edge.kill();
    log.write(lines);
    await edge.start(undefined, withinMs);
    await edge.hasSettled(log.written, withinMs);
    expect(await world.proof()).toMatchObject(proven);
    const config = world.file("tailgate.yaml");
    expect(await run(machine, "check", config, "--connect")).toMatchObject({ code: 0 });
    writeFileSync(config, "agent: 7\n");
    expect(await run(machine, "check", config)).toMatchObject({ code: 2 });
  }, 300_000);
}

/** Which C libraries a process has in its memory. */
function loadedBy(pid: number) {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8");
  return { musl: /\/ld-musl-/.test(maps), glibc: /\/libc\.so\.6|\/libc-2\./.test(maps) };
}
