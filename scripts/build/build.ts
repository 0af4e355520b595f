/**
 * `npm run build`: edge and central as one file a platform each, with nothing to install beside it, into `dist/` with
 * SHA256SUMS, a bill of materials and the licences of what is in it.
 *
 *     bun scripts/build/build.ts                         all targets
 *     bun scripts/build/build.ts --target linux-arm64    one
 *     bun scripts/build/build.ts --sign KEY.pem          and SHA256SUMS.sig by an Ed25519 key of yours
 *
 * Tests and `npm start` call `buildEdge` and `buildCentral`, which build for this machine and keep the result under a hash of all that
 * goes into it: a second call without a change costs milliseconds.
 */

import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type BunPlugin, Glob } from "bun";
import { bundlePage } from "../../central/web/bundle.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { runsOnMusl } from "../../shared/system/libc.ts";
import { codes } from "./codes.ts";
import { forgetUnusedBuilds, markUsed } from "./kept-builds.ts";
import { packagesOf } from "./packages.ts";
import { checkRuntime, knownRuntimes, runtimePath } from "./runtimes.ts";
import { billOfMaterials, licenceNotices } from "./sbom.ts";
import { signFile } from "./sign.ts";

/** Where the edge runs: what Bun calls the platform, and the prebuilt SQLite addon that fits it. */
const targets = {
  "linux-x64": { bun: "bun-linux-x64", addon: "linux-x64" },
  "linux-x64-baseline": { bun: "bun-linux-x64-baseline", addon: "linux-x64" },
  "linux-arm64": { bun: "bun-linux-arm64", addon: "linux-arm64" },
  "linux-x64-musl": { bun: "bun-linux-x64-musl", addon: "linuxmusl-x64" },
  "linux-arm64-musl": { bun: "bun-linux-arm64-musl", addon: "linuxmusl-arm64" },
} as const;

/** A platform that the edge is built for. */
export type BuildTarget = keyof typeof targets;

/** All of them. */
export const buildTargets: readonly BuildTarget[] = [
  "linux-x64",
  "linux-x64-baseline",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
];

/** What may differ from the edge's own binary for this machine. */
export interface BuildOptions {
  readonly target?: BuildTarget;
  /** Another program than the edge, from the root of the project; for tests of the build itself. */
  readonly entry?: string;
}

const root = join(import.meta.dir, "../..");

/**
 * A compiled binary, from the cache when nothing that goes into it has changed.
 *
 * @returns its path; copy it before moving or changing it.
 * @throws AppError `BUILD_FAILED` with the bundler's words.
 */
export async function buildEdge(options: BuildOptions = {}): Promise<string> {
  const { target = hostTarget(), entry = "edge/main.ts" } = options;
  return await build(target, { name: "tailgate", entries: [entry], folders: ["edge", "shared"] });
}

/** As `buildEdge`, for central. Its writing half and its lake are workers: programs in the same file, found by their paths. */
export async function buildCentral(target: BuildTarget = hostTarget()): Promise<string> {
  const entries = ["central/main.ts", "central/ingest/worker.ts", "central/lake/worker.ts"];
  return await build(target, { name: "tailgate-central", entries, folders: ["central", "shared"] });
}

/** What goes into a binary. */
interface Program {
  readonly name: string;
  /** From the root of the project; the first one is started. */
  readonly entries: readonly string[];
  /** Where its sources are. */
  readonly folders: readonly string[];
}

async function build(target: BuildTarget, program: Program): Promise<string> {
  const { name } = program;
  const cache = join(root, "dist", "cache");
  const folder = join(cache, `${target}-${hashOfInputs(target, program)}`);
  const binary = join(folder, name);
  if (existsSync(binary)) {
    markUsed(folder);
    return binary;
  }
  const partial = join(cache, `part-${name}-${target}-${process.pid}`);
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await compile(target, program.entries, join(partial, name));
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  forgetUnusedBuilds(cache);
  return binary;
}

/** The platform that this machine is; the baseline build where the processor lacks AVX2. */
export function hostTarget(): BuildTarget {
  const musl = runsOnMusl();
  if (process.arch === "arm64") return musl ? "linux-arm64-musl" : "linux-arm64";
  if (musl) return "linux-x64-musl";
  return /\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8")) ? "linux-x64" : "linux-x64-baseline";
}

async function compile(target: BuildTarget, entries: readonly string[], outfile: string): Promise<void> {
  const { bun, addon } = targets[target];
  const version = ownVersion();
  const runtime = runtimePath(bun, target === hostTarget());
  if (runtime !== undefined) await checkRuntime(bun, runtime);
  const result = await Bun.build({
    entrypoints: entries.map((entry) => join(root, entry)),
    throw: false,
    // What lies about in the folder where it is started is none of its business.
    compile: { target: bun, outfile, autoloadBunfig: false, autoloadDotenv: false },
    // A component that the config does not name is a chunk that is never run (`await import` in its definition).
    splitting: true,
    minify: { syntax: true, whitespace: true },
    // Compiled ahead: half the CPU of a start, and some 4 MB less memory for the parser's work.
    bytecode: true,
    format: "esm",
    sourcemap: "inline",
    define: {
      // Else whatever the builder's environment says, and two builds of one commit would differ.
      "process.env.NODE_ENV": JSON.stringify("production"),
      "process.env.TAILGATE_ADDON": JSON.stringify(addon),
      "process.env.TAILGATE_VERSION": JSON.stringify(version),
      "process.env.TAILGATE_TARGET": JSON.stringify(target),
    },
    plugins: [onlyAddon(addon), bundledPage(JSON.stringify(await bundlePage()))],
  });
  // It has been fetched just now.
  if (runtime === undefined) await checkRuntime(bun, runtimePath(bun, false) ?? "(nowhere)");
  if (result.success && existsSync(outfile)) return;
  throw new AppError(codes.BUILD_FAILED, `build ${entries[0]} for ${target}:\n${result.logs.map(String).join("\n")}`);
}

/** Of the prebuilt SQLite addons (2 MB each) only the target's goes into the binary; the others resolve to an error. */
function onlyAddon(addon: string): BunPlugin {
  return {
    name: "only-addon",
    setup(build) {
      // Central asks for the package as a whole, which would look for the addon beside itself when it runs.
      build.onResolve({ filter: /^better-sqlite3$/ }, () => ({
        path: Bun.resolveSync(`better-sqlite3/${addon}`, root),
      }));
      build.onResolve({ filter: /^better-sqlite3\/linux/ }, ({ path }) =>
        path === `better-sqlite3/${addon}` ? undefined : { path, namespace: "absent-addon" },
      );
      build.onLoad({ filter: /.*/, namespace: "absent-addon" }, ({ path }) => ({
        contents: `throw new Error("${path} is not part of this binary, which was built for ${addon}");`,
        loader: "js",
      }));
    },
  };
}

/** A binary has no sources to bundle: the page is made here, and stands in the place of the module that would make it. */
function bundledPage(files: string): BunPlugin {
  return {
    name: "bundled-page",
    setup(build) {
      // Made before: a build inside of a build waits for itself.
      build.onLoad({ filter: /central\/web\/bundle\.ts$/ }, () => ({
        contents: `export async function bundlePage() { return ${files}; }`,
        loader: "js",
      }));
    },
  };
}

function hashOfInputs(target: BuildTarget, { entries, folders }: Program): string {
  const hash = createHash("sha256").update(`${target} ${entries.join(" ")} ${Bun.version}\n`);
  const sources = folders.flatMap((top) => [...new Glob(`${top}/**/*.{ts,json,html,css,svg}`).scanSync(root)]);
  const used = sources.filter((path) => !/\.(test|bench|contract)\.ts$|(^|\/)testing\//.test(path)).sort();
  for (const path of [
    ...used,
    ...entries,
    "bun.lock",
    "package.json",
    "scripts/build/build.ts",
    "scripts/build/runtimes.json",
  ]) {
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function buildAll(wanted: readonly BuildTarget[]): Promise<void> {
  const dist = join(root, "dist");
  const sums: string[] = [];
  for (const [program, target] of wanted.flatMap((one) => [
    ["tailgate", one] as const,
    ["tailgate-central", one] as const,
  ])) {
    const name = `${program}-${target}`;
    const path = join(dist, name);
    copyFileSync(program === "tailgate" ? await buildEdge({ target }) : await buildCentral(target), path);
    sums.push(`${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${name}`);
    console.log(`dist/${name}  ${(statSync(path).size / 1e6).toFixed(0)} MB`);
  }
  const packages = packagesOf(root);
  const papers = {
    "tailgate.cdx.json": billOfMaterials(ownVersion(), packages, knownRuntimes()),
    LICENSE: readFileSync(join(root, "LICENSE"), "utf8"),
    "THIRD-PARTY-LICENCES": licenceNotices(packages),
  };
  for (const [name, text] of Object.entries(papers)) {
    writeFileSync(join(dist, name), text);
    sums.push(`${createHash("sha256").update(text).digest("hex")}  ${name}`);
    console.log(`dist/${name}`);
  }
  const path = join(dist, "SHA256SUMS");
  writeFileSync(path, `${sums.join("\n")}\n`);
  console.log("dist/SHA256SUMS");
  rmSync(`${path}.sig`, { force: true });
  const key = argument("--sign");
  if (key === undefined) return;
  const { signature, publicKey } = signFile(path, key);
  writeFileSync(`${path}.sig`, signature);
  writeFileSync(`${path}.pub`, publicKey);
  console.log(
    "dist/SHA256SUMS.sig\n  openssl pkeyutl -verify -pubin -inkey SHA256SUMS.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig",
  );
}

function ownVersion(): string {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
}

function wantedTargets(): readonly BuildTarget[] {
  const named = argument("--target");
  if (named === undefined) return buildTargets;
  const wanted = buildTargets.find((target) => target === named);
  if (wanted !== undefined) return [wanted];
  throw new AppError("USAGE", `build: --target ${named} is none of ${buildTargets.join(", ")}`);
}

if (import.meta.main) {
  const help = askedHelp(import.meta.path);
  if (help !== undefined) {
    console.log(help);
    process.exit(0);
  }
  await buildAll(wantedTargets());
}
