import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";

/**
 * A file system of a few megabytes (tmpfs in a mount namespace of its own) that really gets full. It lives as long as
 * the process that holds the namespace, so it survives a killed edge; and nothing is left mounted when a test dies.
 */
export class SmallDisk implements AsyncDisposable {
  constructor(
    /** Where it is mounted, as a process that has entered sees it. */
    readonly path: string,
    private readonly holder: Child,
    private readonly folder: Disposable,
  ) {}

  /** Makes a command see the disk. */
  readonly enter = (command: readonly string[]): readonly string[] => {
    const namespaces = isRoot() ? ["-m"] : ["-U", "-m", "--preserve-credentials"];
    return ["nsenter", ...namespaces, "-t", String(this.holder.pid), "--", ...command];
  };

  /** A path on the disk as this process sees it, without having entered. */
  outside(name: string): string {
    return join(`/proc/${this.holder.pid}/root`, this.path, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.holder.kill();
    this.folder[Symbol.dispose]();
  }
}

/** Mounts one; needs root, or user namespaces that are allowed to everybody (the default of most kernels). */
export async function smallDisk(bytes: number): Promise<SmallDisk> {
  const folder = tempDir("tailgate-disk-");
  const path = folder.file("disk");
  mkdirSync(path);
  const namespaces = isRoot() ? ["-m"] : ["-U", "-r", "-m"];
  const script = `mount -t tmpfs -o size=${bytes} none "$1" && echo mounted && exec sleep infinity`;
  const holder = startChild({
    name: "small disk",
    command: ["unshare", ...namespaces, "sh", "-c", script, "sh", path],
  });
  await holder.waitForLine("mounted");
  return new SmallDisk(path, holder, folder);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
