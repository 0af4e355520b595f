import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";

/** `__O_TMPFILE | O_DIRECTORY` of open(2): a file without a name, which nobody sees and which is gone when closed. */
const unnamedFile = 0o20200000;

/** Whether files can be made in a directory; or, where it is missing, in the nearest one above it. */
export async function probeDirectory(directory: string): Promise<Finding> {
  try {
    const nearest = await nearestThatExists(directory);
    await makeUnnamed(nearest);
    if (nearest !== directory) return { what: directory, says: `missing; can be made in ${nearest}` };
    // Left by an earlier run, perhaps by another user.
    const inProgress = join(directory, ".in-progress");
    if ((await nearestThatExists(inProgress)) === inProgress) await makeUnnamed(inProgress);
    return { what: directory, says: "can be written to" };
  } catch (cause) {
    return { what: directory, error: new AppError("EDGE_SINK_FILE", `make a file in ${directory}`, { cause }) };
  }
}

async function nearestThatExists(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOENT" || dirname(path) === path) throw thrown;
    return await nearestThatExists(dirname(path));
  }
}

async function makeUnnamed(directory: string): Promise<void> {
  try {
    const file = await open(directory, unnamedFile | constants.O_WRONLY, 0o600);
    await file.close();
  } catch (thrown) {
    // Not every file system can (NFS, FAT); and other systems than Linux take the flags for something else.
    if (!["EOPNOTSUPP", "ENOTSUP", "EISDIR", "EINVAL"].includes(codeOf(thrown) ?? "")) throw thrown;
    await access(directory, constants.W_OK | constants.X_OK);
  }
}

function codeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : undefined;
}
