/**
 * Files in progress of lanes that nobody writes any more: of an epoch that ended (a restored or repaired channel file; a
 * memory channel begins a new one with each start), of a channel or stream that the config no longer names and that was
 * drained. No reader leads to their lane, so no mark says how long they are; but such a lane holds nothing that could
 * come again, so they are complete as they are, and get their names.
 *
 * A lane that still holds batches is in somebody's hands soon after the start; and another process may write (two agents
 * of one name that share the directory). So a file is taken only when it has not changed for `settleMs` of our own life.
 */
import { lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isKey, nameOf, serialOf } from "./file-key.ts";
import { codeOf, publishFile } from "./publish.ts";

export interface OrphansOptions {
  readonly directory: string;
  readonly agent: string;
  /** Name of the sink in the config. */
  readonly sink: string;
  readonly settleMs: number;
}

interface Orphan {
  readonly folder: string;
  readonly key: string;
  readonly bytes: number;
  readonly changedMs: number;
  /** It has its final name already: the crash came before it left its folder. */
  readonly published: boolean;
}

export class Orphans {
  /** Since when (uptime) each file is what it is. */
  private steady = new Map<string, { readonly orphan: Orphan; readonly sinceMs: number }>();
  private done = false;

  constructor(private readonly options: OrphansOptions) {}

  /** Another folder came into the place of the one that was looked at. */
  lookAgain(): void {
    this.done = false;
  }

  /** Publishes those that are due, the one written first first. `owners` are the folders of the lanes that are written. */
  async publishDue(owners: ReadonlySet<string>, nowMs: number): Promise<readonly string[]> {
    if (this.done) return [];
    const { directory, settleMs } = this.options;
    const folders = await this.folders(owners);
    const found = (await Promise.all(folders.map((folder) => filesIn(folder)))).flat();
    this.keepSteady(found, nowMs);
    const due = found.filter((each) => nowMs - (this.steady.get(pathOf(each))?.sinceMs ?? nowMs) >= settleMs);
    const published: string[] = [];
    for (const orphan of due.sort((a, b) => a.changedMs - b.changedMs || serialOf(a.key) - serialOf(b.key))) {
      if (orphan.published || orphan.bytes === 0) await unlink(pathOf(orphan));
      else published.push(await publishFile(pathOf(orphan), directory, nameOf(orphan.key)));
    }
    if (due.length < found.length) return published;
    for (const folder of folders) await removeEmpty(folder);
    // None appear later: the folders of this process's lanes are its own.
    this.done = true;
    return published;
  }

  private async folders(owners: ReadonlySet<string>): Promise<readonly string[]> {
    const { directory, agent, sink } = this.options;
    const all = await entriesOf(join(directory, ".in-progress"));
    return all
      .filter((name) => name.startsWith(`${agent}.`) && name.endsWith(`.${sink}`) && !owners.has(name))
      .map((name) => join(directory, ".in-progress", name));
  }

  private keepSteady(found: readonly Orphan[], nowMs: number): void {
    const steady: typeof this.steady = new Map();
    for (const orphan of found) {
      const before = this.steady.get(pathOf(orphan));
      const same = before?.orphan.bytes === orphan.bytes && before.orphan.changedMs === orphan.changedMs;
      steady.set(pathOf(orphan), same ? before : { orphan, sinceMs: nowMs });
    }
    this.steady = steady;
  }
}

function pathOf({ folder, key }: Orphan): string {
  return join(folder, key);
}

async function filesIn(folder: string): Promise<Orphan[]> {
  const found: Orphan[] = [];
  for (const key of await entriesOf(folder)) {
    if (!isKey(key)) continue;
    const stat = await lstat(join(folder, key));
    // A link or the like that somebody left there is none of ours.
    if (!stat.isFile()) continue;
    const { size, mtimeMs, nlink } = stat;
    found.push({ folder, key, bytes: size, changedMs: mtimeMs, published: nlink > 1 });
  }
  return found;
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return [];
    throw thrown;
  }
}

/** Somebody may have begun a file in it meanwhile: then it stays. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOTEMPTY" && codeOf(thrown) !== "EEXIST" && codeOf(thrown) !== "ENOENT") throw thrown;
  }
}
