/**
 * The runtime that is built into a binary is most of its bytes. Bun takes it from a cache in the user's home, unchecked: for other
 * platforms than this one from what it once fetched, else itself. Here its bytes are known: `runtimes.json` has the SHA-256
 * of each, taken from a package whose own hash the lock file has.
 *
 *     bun scripts/build/runtimes.ts      after another version of Bun: fetches the packages, checks them, writes the list anew
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

const root = join(import.meta.dir, "../..");
const listPath = join(import.meta.dir, "runtimes.json");

/** What is known of one. */
export interface Runtime {
  /** The npm package that it was taken from. */
  readonly package: string;
  /** The package's hash, as the lock file has it (for the baseline build, which no lock file names, as the registry has it). */
  readonly integrity: string;
  readonly sha256: string;
}

/** By Bun's name of the platform, such as `bun-linux-arm64`. */
export interface RuntimeList {
  readonly version: string;
  readonly runtimes: Readonly<Record<string, Runtime>>;
}

/** The list as it stands in the repository. */
export function knownRuntimes(): RuntimeList {
  return JSON.parse(readFileSync(listPath, "utf8"));
}

/**
 * Where the runtime for a platform lies that `Bun.build` would take; undefined: it has to be fetched first. `own`: the
 * platform is this process's own.
 */
export function runtimePath(platform: string, own: boolean): string | undefined {
  if (own) return process.execPath;
  const { BUN_INSTALL_CACHE_DIR, BUN_INSTALL } = process.env;
  const cache = BUN_INSTALL_CACHE_DIR ?? join(BUN_INSTALL ?? join(homedir(), ".bun"), "install", "cache");
  const path = join(cache, `${platform.replace("arm64", "aarch64")}-v${Bun.version}`);
  return existsSync(path) ? path : undefined;
}

/** @throws AppError `BUILD_FAILED` when it is not the one that the list knows. */
export async function checkRuntime(platform: string, path: string, list = knownRuntimes()): Promise<void> {
  const refuse = (why: string, hint: string) =>
    new AppError(codes.BUILD_FAILED, `check the runtime for ${platform}, ${path}: ${why}`, { hint });
  if (list.version !== Bun.version) {
    throw refuse(`it is Bun ${Bun.version}, and the list is of ${list.version}`, "Run: bun scripts/build/runtimes.ts");
  }
  const sha256 = await sha256Of(path);
  if (sha256 === list.runtimes[platform]?.sha256) return;
  throw refuse(
    `its SHA-256 is ${sha256}, and the list has ${list.runtimes[platform]?.sha256}`,
    "Somebody has changed it, or a download broke off: remove the file and build again.",
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(piece);
  return hash.digest("hex");
}

/** What the lock file says of a package; undefined: nothing. */
export function lockedIntegrity(name: string, lock = readFileSync(join(root, "bun.lock"), "utf8")): string | undefined {
  const line = lock.split("\n").find((each) => each.trimStart().startsWith(`"${name}": [`));
  return line === undefined ? undefined : /"(sha512-[A-Za-z0-9+/=]+)"\],?\s*$/.exec(line)?.[1];
}

const packages: Readonly<Record<string, string>> = {
  "bun-linux-x64": "@oven/bun-linux-x64",
  "bun-linux-x64-baseline": "@oven/bun-linux-x64-baseline",
  "bun-linux-arm64": "@oven/bun-linux-aarch64",
  "bun-linux-x64-musl": "@oven/bun-linux-x64-musl",
  "bun-linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
};

async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new AppError(codes.BUILD_FAILED, `run ${command.join(" ")}: it failed`);
  return text;
}

async function fetchRuntime(name: string): Promise<Runtime> {
  const folder = mkdtempSync(join(tmpdir(), "tailgate-runtime-"));
  try {
    const spec = `${name}@${Bun.version}`;
    await run(["npm", "pack", "--silent", spec], folder); // checks the registry's own hash
    const file = join(folder, readdirSync(folder).find((each) => each.endsWith(".tgz")) ?? "");
    const integrity = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
    const locked = lockedIntegrity(name);
    if (locked !== undefined && locked !== integrity) {
      throw new AppError(codes.BUILD_FAILED, `fetch ${spec}: its hash is not the one in bun.lock`);
    }
    await run(["tar", "-xzf", file, "package/bin/bun"], folder);
    return { package: spec, integrity, sha256: await sha256Of(join(folder, "package/bin/bun")) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const runtimes: Record<string, Runtime> = {};
  for (const [platform, name] of Object.entries(packages)) runtimes[platform] = await fetchRuntime(name);
  writeFileSync(listPath, `${JSON.stringify({ version: Bun.version, runtimes }, undefined, 2)}\n`);
  console.log("wrote scripts/build/runtimes.json");
}
