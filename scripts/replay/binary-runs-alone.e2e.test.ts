import { expect, test } from "bun:test";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TempDir, tempDir } from "../../shared/testing/temp-dir.ts";
import { edgeBinary } from "../drivers/edge/edge-binary.ts";
import { onBareMachine } from "./world/bare-machine.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

/** A copy of the binary in a folder that holds nothing else. */
async function copyBinary(folder: TempDir): Promise<string> {
  const binaries = folder.file("bin");
  mkdirSync(binaries);
  const binary = join(binaries, "tailgate");
  cpSync(await edgeBinary(), binary);
  chmodSync(binary, 0o755);
  return binary;
}

test("alone in an empty folder, root read-only, /tmp closed to execution: it moves lines, also after kill -9", async () => {
  using folder = tempDir("tailgate-alone-");
  const binary = await copyBinary(folder);
  for (const name of ["run", "data"]) mkdirSync(folder.file(name));
  const bare = { binaries: folder.file("bin"), runtime: folder.file("run"), data: folder.file("data") };
  await using world = await startWorld({
    broker: broker(),
    dataDir: folder.file("data"),
    edge: {
      binary: [binary],
      wrap: onBareMachine(bare),
      env: { BUN_TMPDIR: bare.runtime, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      cwd: "/",
    },
  });
  const { edge, log } = world;
  await edge.start();
  log.write(5_000);
  await edge.hasSettled(log.written);
  await edge.kill();
  log.write(5_000);
  await edge.start();
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("an embedded addon that a power cut has zeroed is put back, and the edge starts", async () => {
  using folder = tempDir("tailgate-addon-");
  await using world = await startWorld({ broker: broker(), edge: { env: { BUN_TMPDIR: folder.path } } });
  const { edge, log } = world;
  await edge.start();
  log.write(1_000);
  await edge.hasSettled(log.written);
  await edge.kill();
  const addons = filesIn(folder.path).filter((path) => path.endsWith(".node"));
  expect(addons.length).toBeGreaterThan(0);
  // The size is there, the content is not: what a file system may leave of a file that was written just before.
  for (const path of addons) writeFileSync(path, Buffer.alloc(statSync(path).size));
  log.write(1_000);
  await edge.start();
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

for (const target of ["linux-x64", "linux-arm64"] as const) {
  test(`${target} moves lines, and neither a bunfig.toml nor a .env that lies about has a say`, async () => {
    using folder = tempDir("tailgate-lies-");
    const liar = folder.file("liar.ts");
    const trace = folder.file("the-liar-was-here");
    writeFileSync(folder.file("bunfig.toml"), `preload = [${JSON.stringify(liar)}]\n`);
    writeFileSync(liar, `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");\nprocess.exit(3);\n`);
    writeFileSync(folder.file(".env"), "KAFKA_BROKERS=127.0.0.1:1\n");
    await using world = await startWorld({
      broker: broker(),
      brokers: `\${KAFKA_BROKERS:-${broker().address}}`,
      edge: { binary: await runnable(target), cwd: folder.path, env: { KAFKA_BROKERS: undefined } },
    });
    const { edge, log } = world;
    await edge.start(undefined, 60_000);
    log.write(5_000);
    await edge.hasSettled(log.written, 60_000);
    expect(existsSync(trace)).toBe(false);
    expect(await world.proof()).toMatchObject(proven);
  }, 300_000);
}

/** The command that runs a target's binary here: under qemu when it is another processor's. */
async function runnable(target: "linux-x64" | "linux-arm64"): Promise<readonly string[]> {
  const names = { "linux-x64": ["x64", "x86_64"], "linux-arm64": ["arm64", "aarch64"] } as const;
  const [architecture, machine] = names[target];
  const emulator = [`qemu-${machine}-static`, "-L", `/usr/${machine}-linux-gnu`];
  return [...(process.arch === architecture ? [] : emulator), await edgeBinary(target)];
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
