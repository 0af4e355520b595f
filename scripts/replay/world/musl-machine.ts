/**
 * A machine without glibc, as Alpine is one: the root holds musl's loader, libstdc++, libgcc, the binary, and of the
 * machine around it only /proc, /dev, the temp folder and the network. Read-only but for the temp folder. In a mount
 * namespace of its own, gone with the process.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TempDir } from "../../../shared/testing/temp-dir.ts";
import { edgeBinary } from "../../drivers/edge/edge-binary.ts";
import { type Architecture, muslLibraries } from "../../setup/musl-libraries.ts";

/** Such a machine, and what an edge of a test takes from it. */
export interface MuslMachine {
  /** The edge's binary, under an emulator when it is another processor's. */
  readonly binary: readonly string[];
  readonly wrap: (command: readonly string[]) => readonly string[];
}

/** The name of 127.0.0.1 there: found by musl's resolver or not at all. */
export const loopbackName = "broker.test";

/** Refuses to run the command when a program for glibc would run as well. */
const script = `
set -e
root=$1; temp=$2; shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
cp /bin/true "$root/program-for-glibc"
if chroot "$root" /program-for-glibc 2>/dev/null; then echo "a program for glibc runs"; exit 97; fi
rm "$root/program-for-glibc"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$temp" "$root$temp"
mount -o remount,bind,ro "$root"
if touch "$root/writable" 2>/dev/null; then echo "the root is writable"; exit 97; fi
exec chroot "$root" "$@"
`;

/**
 * Makes its root in a folder. Needs root, or user namespaces that are allowed to everybody.
 *
 * @throws AppError `TOOL_MISSING` when musl's libraries cannot be fetched.
 */
export async function muslMachine(folder: TempDir, architecture: Architecture): Promise<MuslMachine> {
  const root = folder.file("root");
  for (const name of ["proc", "dev", "etc", tmpdir()]) mkdirSync(join(root, name), { recursive: true });
  cpSync(await muslLibraries(architecture), join(root, "lib"), { recursive: true });
  writeFileSync(join(root, "etc/hosts"), `127.0.0.1 ${loopbackName}\n`);
  install(await edgeBinary(`linux-${architecture}-musl`), join(root, "tailgate"));
  const emulator = process.arch === architecture ? undefined : emulatorOf(architecture);
  if (emulator !== undefined) install(emulator, join(root, "emulator"));
  const namespaces = process.getuid?.() === 0 ? ["-m"] : ["-U", "-r", "-m"];
  const enter = ["unshare", ...namespaces, "sh", "-c", script, "musl machine", root, tmpdir()];
  return {
    binary: [...(emulator === undefined ? [] : ["/emulator"]), "/tailgate"],
    wrap: (command) => [...enter, ...command],
  };
}

function install(program: string, path: string): void {
  copyFileSync(program, path);
  chmodSync(path, 0o755);
}

function emulatorOf(architecture: Architecture): string {
  const name = `qemu-${architecture === "arm64" ? "aarch64" : "x86_64"}-static`;
  const path = Bun.which(name);
  if (path === null) throw new Error(`run a program for ${architecture}: there is no ${name} on the PATH`);
  return path;
}
