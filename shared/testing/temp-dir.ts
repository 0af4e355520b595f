import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that deletes itself: `using dir = tempDir();`. */
export interface TempDir extends Disposable {
  readonly path: string;
  /** A path inside the folder. */
  file(name: string): string;
}

/** Makes one under the system's temp directory. */
export function tempDir(prefix = "tailgate-"): TempDir {
  const path = mkdtempSync(join(tmpdir(), prefix));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
