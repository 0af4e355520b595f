/**
 * Files in progress lie in a folder that others may be able to write. What is written there goes into a regular file of
 * one name, in a folder that no link leads to; a FIFO, a link or another file's second name in its place is refused.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from "node:fs";
import { type FileHandle, lstat, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { FileRefused } from "../../../shared/files/refusal.ts";
import type { FolderId } from "./mark.ts";
import { folderId, isSameFolder } from "./own-folder.ts";
import { codeOf } from "./publish.ts";

/** `O_PATH` of open(2): a hold on a folder that opens nothing. */
const holdOnly = 0o10000000;

/** Makes the folder `names` below a directory, one in the other. @throws FileRefused where one of them is no folder. */
export async function makeOwnFolder(directory: string, names: readonly string[]): Promise<string> {
  await mkdir(directory, { recursive: true });
  let at = directory;
  for (const name of names) {
    at = join(at, name);
    try {
      await mkdir(at);
    } catch (thrown) {
      if (codeOf(thrown) !== "EEXIST") throw thrown;
      const stat = await lstat(at, { bigint: true });
      if (!stat.isDirectory()) throw new FileRefused(at, `${kindOf(stat)} in the place of a folder of ours`);
    }
  }
  return at;
}

/**
 * Opens a file of ours, made when it is not there. Never waits.
 *
 * @throws the system's error; FileRefused for what is no file of ours, and where another folder has come into the place of ours.
 */
export async function openOwn(folder: FolderId, key: string): Promise<FileHandle> {
  const { path } = folder;
  const hold = openSync(path, holdOnly | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const real = readlinkSync(`/proc/self/fd/${hold}`);
    if (real !== path) throw new FileRefused(path, `behind a link that leads to ${real}`);
    const found = folderId(path, fstatSync(hold, { bigint: true }));
    if (!isSameFolder(found, folder)) throw new FileRefused(path, "another folder in the place of ours");
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(`/proc/self/fd/${hold}/${key}`, flags, 0o644);
    const stat = await handle.stat({ bigint: true });
    if (stat.isFile() && stat.nlink <= 1n) return handle;
    await handle.close();
    throw new FileRefused(join(path, key), stat.isFile() ? "a file that has other names" : kindOf(stat));
  } finally {
    closeSync(hold);
  }
}
