import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";

/** Where the bench keeps its files while it runs; all of it is removed at the end. */
export interface BenchFolders extends Disposable {
  /** In memory where there is enough of it: broker data, inputs, logs. Nothing here touches the measured device. */
  readonly fast: string;
  /** On the measured device: the agents' homes. */
  readonly data: string;
  /** Whether `fast` is apart from the device. */
  readonly fastIsMemory: boolean;
}

const memoryDirectory = "/dev/shm";
const gigabyte = 1024 ** 3;

/** Where, and how much will be there. */
export interface FolderOptions {
  /** Where the agents' homes go; undefined: below node_modules. */
  readonly dataDir: string | undefined;
  /** Whether a case will run that needs more memory than most machines have to spare. */
  readonly big: boolean;
}

/** Makes both directories. */
export function openFolders({ dataDir, big }: FolderOptions): BenchFolders {
  const under = dataDir ?? join(import.meta.dir, "..", "..", "node_modules", ".cache");
  mkdirSync(under, { recursive: true });
  for (const directory of [under, memoryDirectory]) removeLeftovers(directory);
  const data = makeDirectory(under);
  const fastIsMemory = existsSync(memoryDirectory) && freemem() >= (big ? 16 : 4) * gigabyte;
  const fast = fastIsMemory ? makeDirectory(memoryDirectory) : join(data, "fast");
  mkdirSync(fast, { recursive: true });
  const remove = () => {
    for (const path of [fast, data]) rmSync(path, { recursive: true, force: true });
  };
  // Ctrl-C in the middle of a case must not leave gigabytes in memory.
  process.once("exit", remove);
  return { fast, data, fastIsMemory, [Symbol.dispose]: remove };
}

/** The name tells whose it is. */
function makeDirectory(under: string): string {
  return mkdtempSync(join(under, `tailgate-bench-${process.pid}-`));
}

/** A bench that was killed with -9 leaves what it had: gigabytes, in memory, that the next one then lacks. */
export function removeLeftovers(under: string): void {
  if (!existsSync(under)) return;
  for (const name of readdirSync(under)) {
    const owner = /^tailgate-bench-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join(under, name), { recursive: true, force: true });
  }
}
