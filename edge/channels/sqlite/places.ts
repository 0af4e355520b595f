import { statSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether the files that are open are still those that a start would find. A folder that is moved or removed under a process
 * takes nothing from it: it reads and writes on, and all of that is gone with its last descriptor.
 */
export class Places {
  private readonly known: ReadonlyMap<string, string | undefined>;

  /** @param names what stands in the folder now, and is open. */
  constructor(
    private readonly folder: string,
    names: readonly string[],
  ) {
    this.known = new Map(names.map((name) => [name, identityOf(join(folder, name))]));
  }

  /** What is not where it was, in words; undefined: everything is. */
  missing(): string | undefined {
    for (const [name, identity] of this.known) {
      const path = join(this.folder, name);
      const now = identityOf(path);
      if (now === identity) continue;
      return now === undefined ? `${path} was moved or removed` : `another file stands at ${path}`;
    }
    return undefined;
  }
}

/** Undefined: nothing is there, or nobody may look. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined; // As good as gone, until it is back.
  }
}
