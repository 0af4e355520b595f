import { tempDir } from "../../../shared/testing/temp-dir.ts";

/** A file system in memory that is really full when it is full. */
export interface MountedDisk extends Disposable {
  readonly path: string;
}

/** Mounts one of so many mebibytes, which every user may write to. Needs the right to mount. */
export function mountedDisk(mebibytes: number): MountedDisk {
  const dir = tempDir("tailgate-small-disk-");
  const words = ["mount", "-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0777`, "tmpfs", dir.path];
  const mounted = Bun.spawnSync(words);
  if (mounted.exitCode !== 0) throw new Error(`mount a small disk (as root?): ${mounted.stderr.toString()}`);
  return {
    path: dir.path,
    [Symbol.dispose]: () => {
      Bun.spawnSync(["umount", "-l", dir.path]);
      dir[Symbol.dispose]();
    },
  };
}
