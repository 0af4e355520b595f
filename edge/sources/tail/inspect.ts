/** What `check` says of a tail source: its patterns, held against this machine as it is now. */
import { accessSync, constants, lstatSync } from "node:fs";
import { isBelow, resolveLinks } from "../../../shared/files/links.ts";
import { kindOf } from "../../../shared/files/open-regular.ts";
import { childOf, namesIn, shownPath, systemPath } from "../../../shared/files/path-text.ts";
import { realOf } from "../../../shared/files/real-path.ts";
import { isFileTrouble, systemCode } from "../../../shared/files/refusal.ts";
import { type FileAccess, fileAccess } from "../../core/file-fields.ts";
import type { Remark, Surroundings } from "../../core/inspect.ts";
import type { Config } from "./config.ts";
import { excluder, FolderFinder, type FoundFolder } from "./discover.ts";
import { emptyRangeIn, PathPattern } from "./glob.ts";
import { compressedEnding } from "./names.ts";

/** So many are said of one pattern. */
const remarksMax = 20;
/** Folders whose files are made by the kernel; see open-regular.ts. */
const kernelFolders = ["/proc", "/sys"];

/** All patterns, one after the other. */
export function inspectTail(config: Config, surroundings: Surroundings): readonly Remark[] {
  return config.paths.flatMap((written) => new Inspection(written, config, surroundings).remarks());
}

class Inspection {
  private readonly found: Remark[] = [];
  private readonly access: FileAccess;
  private readonly excluded: (directory: string, name: string) => boolean;
  private readonly pattern: PathPattern;
  /** Another source has the whole pattern: its files need no words of their own. */
  private isShared = false;
  private leftOut = 0;
  private files = 0;

  constructor(
    private readonly written: string,
    config: Config,
    private readonly surroundings: Surroundings,
  ) {
    const { dataDir, ownFiles } = surroundings;
    this.access = fileAccess(config, { dataDir, ownFiles: () => ownFiles });
    this.excluded = excluder(config.exclude);
    this.pattern = new PathPattern(written);
  }

  remarks(): readonly Remark[] {
    const never = this.whyNever();
    if (never !== undefined) return [this.remark("warning", never)];
    const range = emptyRangeIn(this.written);
    if (range !== undefined) {
      this.found.push(this.remark("warning", `${range} ends before it begins: it matches no character`));
    }
    const other = this.surroundings.claim(`pattern ${this.written}`);
    this.isShared = other !== undefined;
    if (other !== undefined) this.found.push(this.remark("warning", sharedWith(other)));
    const finder = new FolderFinder(this.access.follow, () => 0);
    const note = (path: string, thrown: unknown) =>
      this.say("warning", path, `cannot be looked at: ${wordsOf(thrown)}`);
    const seen = new Set<string>();
    for (const folder of finder.find([this.pattern], note)) {
      if (seen.has(folder.real)) continue;
      seen.add(folder.real);
      this.lookInto(folder);
    }
    if (this.files === 0 && this.found.length === 0) {
      this.found.push(this.remark("note", "matches no file now; what comes later is read from its beginning"));
    }
    if (this.leftOut > 0) this.found.push(this.remark("warning", `and ${this.leftOut} more of this kind`));
    return this.found;
  }

  /** Why nothing will ever be read for this pattern. */
  private whyNever(): string | undefined {
    const { alternatives, fixedDirectories } = this.pattern;
    // With a pattern among the folders nobody knows.
    if (fixedDirectories.length < alternatives.length) return undefined;
    const dataDir = realOf(this.surroundings.dataDir);
    const real = fixedDirectories.map(realOf);
    if (real.every((folder) => folder === dataDir || isBelow(folder, dataDir))) {
      return "lies in the agent's own data folder, which is never read";
    }
    if (real.every((folder) => kernelFolders.some((each) => folder === each || isBelow(folder, each)))) {
      return "lies among the kernel's own files, which are never read";
    }
    const names = alternatives.map(({ file }) => (file.kind === "literal" ? file.text : undefined));
    if (names.every((name, index) => name !== undefined && this.excluded(fixedDirectories[index] ?? "/", name))) {
      return "is left out by exclude: it can match nothing";
    }
    return undefined;
  }

  private lookInto(folder: FoundFolder): void {
    try {
      for (const name of namesIn(folder.real).toSorted()) {
        if (this.pattern.matches(folder.path, name) && !this.excluded(folder.path, name)) this.lookAt(folder, name);
      }
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      this.say("warning", folder.path, `cannot be looked at: ${wordsOf(thrown)}`);
    }
  }

  private lookAt(folder: FoundFolder, name: string): void {
    const path = childOf(folder.path, name);
    try {
      const real = resolveLinks(childOf(folder.real, name), this.access.follow, { from: folder.real });
      const stat = lstatSync(systemPath(real), { bigint: true });
      if (this.access.rules.keepOut.has(real, stat)) {
        this.say("warning", path, "is one of the agent's own files (config, secret or data), which are never read");
      } else if (stat.isDirectory()) {
        if (this.written === path) this.say("warning", path, "is a folder: name the files in it");
      } else if (!stat.isFile()) {
        this.say("warning", path, `is ${kindOf(stat)}: only files are read`);
      } else if (compressedEnding.test(name)) {
        this.say("warning", path, "is compressed: compressed files are not read");
      } else {
        this.files++;
        this.checkRight(path, real);
        const other = this.surroundings.claim(`file ${stat.dev}:${stat.ino}`);
        if (other !== undefined && !this.isShared) this.say("warning", path, sharedWith(other));
      }
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      const dangling = systemCode(thrown) === "ENOENT";
      this.say("warning", path, dangling ? "is a link that leads nowhere" : `is left out: ${wordsOf(thrown)}`);
    }
  }

  private checkRight(path: string, real: string): void {
    try {
      accessSync(systemPath(real), constants.R_OK);
    } catch (thrown) {
      if (!isFileTrouble(thrown)) throw thrown;
      this.say("warning", path, `cannot be read by user ${process.geteuid?.() ?? "unknown"}`);
    }
  }

  private say(level: Remark["level"], path: string, what: string): void {
    if (this.found.length >= remarksMax) this.leftOut++;
    else this.found.push(this.remark(level, this.written === path ? what : `${shownPath(path)} ${what}`));
  }

  private remark(level: Remark["level"], message: string): Remark {
    return { level, field: "paths", message: `"${shownPath(this.written)}": ${message}` };
  }
}

function sharedWith(source: string): string {
  return `is read by source ${source} as well: each of them sends its lines`;
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
