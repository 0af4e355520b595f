import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";

/** Where the bench keeps its files while it runs; all of it is removed at the end. */
export interface Place extends Disposable {
  /** In memory where there is enough of it: broker data, inputs, logs. Nothing here touches the measured device. */
  readonly fast: string;
  /** On the measured device: the agents' homes. */
  readonly data: string;
  /** Whether `fast` is apart from the device. */
  readonly fastIsMemory: boolean;
}

const memoryDirectory = "/dev/shm";
const memoryBytesMin = 4 * 1024 ** 3;

/** Makes both directories. */
export function openPlace(dataDir: string | undefined): Place {
  const under = dataDir ?? join(import.meta.dir, "..", "..", "node_modules", ".cache");
  mkdirSync(under, { recursive: true });
  const data = mkdtempSync(join(under, "tailgate-bench-"));
  const fastIsMemory = existsSync(memoryDirectory) && freemem() >= memoryBytesMin;
  const fast = fastIsMemory ? mkdtempSync(join(memoryDirectory, "tailgate-bench-")) : join(data, "fast");
  mkdirSync(fast, { recursive: true });
  const remove = () => {
    for (const path of [fast, data]) rmSync(path, { recursive: true, force: true });
  };
  // Ctrl-C in the middle of a case must not leave gigabytes in memory.
  process.once("exit", remove);
  return { fast, data, fastIsMemory, [Symbol.dispose]: remove };
}
