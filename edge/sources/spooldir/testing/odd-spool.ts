/** A spool directory of whatever a file system may hold, made and changed by a seed; for the model test. */
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { childOf, namesIn, systemPath } from "../../../../shared/files/path-text.ts";
import { systemCode } from "../../../../shared/files/refusal.ts";
import type { Random } from "../../../../shared/random/random.ts";

/** What was put in, and what may become of it. */
export interface PutFile {
  readonly key: string;
  readonly lines: readonly string[];
  /** Written on, replaced or removed after it was put in, so that nobody can promise its lines. */
  disturbed: boolean;
  /** What came after it was put in. */
  readonly late: string[];
  removed: boolean;
  linked: boolean;
}

export class OddSpool implements Disposable {
  readonly put: PutFile[] = [];
  private written = 0;
  private readonly sockets: Disposable[] = [];

  /** @param root exists, and is empty. `aside` is a folder on the same disk. */
  constructor(
    readonly root: string,
    private readonly aside: string,
    private readonly random: Random,
  ) {
    chmodSync(root, 0o777);
    mkdirSync(`${root}/sub`);
    chmodSync(`${root}/sub`, 0o777);
    for (let count = 1 + this.pick(4); count > 0; count--) this.putFile();
  }

  /** One change of any kind. Answers what it was, for the failure's message. */
  change(): string {
    const changes = {
      put: () => this.putFile(),
      putMany: () => this.putMany(),
      grow: () => this.grow(),
      permission: () => this.changePermission(),
      open: () => this.openAll(),
      link: () => this.addLink(),
      hardLink: () => this.addHardLink(),
      special: () => this.addSpecial(),
      remove: () => this.remove(),
      ignored: () => writeFileSync(`${this.root}/${this.written++}.tmp`, "never read\n"),
    };
    const kinds = Object.entries(changes);
    const [kind, change] = kinds[this.pick(kinds.length)] ?? ["put", changes.put];
    change();
    return kind;
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket[Symbol.dispose]();
  }

  /** Complete, and renamed into the folder: as it should be done. Some are compressed. */
  private putFile(): void {
    const number = this.written++;
    const name = this.oneOf([`${number}.csv`, `${number}\udcff.csv`, `${number}\n.csv`, `${number}`]) ?? String(number);
    const key = this.random.next() < 0.3 ? `sub/${name}` : name;
    const lines = Array.from(
      { length: this.pick(5) },
      (_, nth) => `line ${number} ${nth} ${"x".repeat(this.pick(60))}.`,
    );
    const end = this.random.next() < 0.8 ? "\n" : "";
    const text = Buffer.from(lines.length === 0 ? "" : lines.join("\n") + end);
    const compress = this.oneOf([gzipSync, zstdCompressSync, undefined, undefined, undefined]);
    writeFileSync(`${this.aside}/new`, compress === undefined ? text : compress(text));
    renameSync(`${this.aside}/new`, systemPath(childOf(this.root, key)));
    this.put.push({ key, lines, disturbed: false, late: [], removed: false, linked: false });
  }

  private putMany(): void {
    for (let count = 3 + this.pick(10); count > 0; count--) this.putFile();
  }

  /** Its writer was not done: the source may have taken it by now. */
  private grow(): void {
    const file = this.oneOf(this.put.filter((each) => this.isThere(each.key)));
    if (file === undefined) return;
    const line = `late ${this.written++}`;
    file.disturbed = true;
    file.late.push(line);
    appendFileSync(systemPath(childOf(this.root, file.key)), `${line}\n`);
  }

  private changePermission(): void {
    const key = this.oneOf(["sub", ...this.put.map((each) => each.key).filter((each) => this.isThere(each))]) ?? "sub";
    const path = systemPath(childOf(this.root, key));
    unlessPutAway(() => {
      const stat = lstatSync(path);
      const [open, closed] = stat.isDirectory() ? [0o777, 0o700] : [0o644, 0o600];
      chmodSync(path, (stat.mode & 0o777) === open ? closed : open);
    });
  }

  openAll(): void {
    chmodSync(`${this.root}/sub`, 0o777);
    for (const { key } of this.put) unlessPutAway(() => chmodSync(systemPath(childOf(this.root, key)), 0o644));
  }

  private addLink(): void {
    const target = this.oneOf(["nowhere", "../x/y", ...this.put.map(({ key }) => `${this.root}/${key}`)]) ?? "nowhere";
    const path = `${this.root}/l${this.written++}.csv`;
    symlinkSync(systemPath(this.random.next() < 0.2 ? path : target), path);
  }

  private addHardLink(): void {
    const file = this.oneOf(this.put.filter(({ key }) => this.isThere(key)));
    if (file === undefined) return;
    const name = `${this.root}/h${this.written++}.csv`;
    const isLinked = unlessPutAway(() => linkSync(systemPath(childOf(this.root, file.key)), name));
    // Its source may be put away by now.
    file.disturbed ||= isLinked;
    file.linked ||= isLinked;
  }

  private addSpecial(): void {
    const path = `${this.root}/s${this.written++}.csv`;
    if (this.random.next() < 0.5) Bun.spawnSync(["mkfifo", path]);
    else this.sockets.push(Bun.listen({ unix: path, socket: { data: () => {} } }));
  }

  private remove(): void {
    const file = this.oneOf(this.put.filter((each) => this.isThere(each.key)));
    if (file === undefined) return;
    const isRemoved = unlessPutAway(() => rmSync(systemPath(childOf(this.root, file.key))));
    file.disturbed ||= isRemoved;
    file.removed ||= isRemoved;
  }

  /** Whether it still lies under the name it was put in with. */
  isThere(key: string): boolean {
    return lstatSync(systemPath(childOf(this.root, key)), { throwIfNoEntry: false }) !== undefined;
  }

  /** Names of what was not put away: neither done, nor an error, nor to be ignored. */
  waiting(folder = ""): readonly string[] {
    return namesIn(childOf(this.root, folder)).flatMap((name) => {
      const key = folder === "" ? name : `${folder}/${name}`;
      if (lstatSync(systemPath(childOf(this.root, key))).isDirectory()) return this.waiting(key);
      return /\.(?:COMPLETED|ERROR|tmp)$/.test(name) ? [] : [key];
    });
  }

  private oneOf<T>(all: readonly T[]): T | undefined {
    return all[this.pick(all.length)];
  }

  private pick(below: number): number {
    return Math.floor(this.random.next() * below);
  }
}

/** The source may put a file away at any moment, also after it was looked at: then nothing is done to it. Answers whether it was done. */
function unlessPutAway(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (thrown) {
    if (systemCode(thrown) !== "ENOENT") throw thrown;
    return false;
  }
}
