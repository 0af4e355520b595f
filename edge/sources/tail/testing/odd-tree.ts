/** A tree of whatever a file system may hold, made and changed by a seed; for the model test of discovery. */
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
import { childOf, folderOf, namesIn, systemPath } from "../../../../shared/files/path-text.ts";
import type { Random } from "../../../../shared/random/random.ts";

const folderNames = ["a", "b", "c.log", ".d", "\udcff\udcfe"];
const fileNames = ["x.log", "y.log", ".z.log", "n\udcfc.log", "new\nline.log", "[b].log", "t.txt"];
const foldersMax = 6;

export class OddTree implements Disposable {
  private written = 0;
  private readonly sockets: Disposable[] = [];

  /** @param root exists, and is empty. */
  constructor(
    private readonly root: string,
    private readonly random: Random,
  ) {
    chmodSync(root, 0o755);
    for (let count = 2 + this.pick(4); count > 0; count--) this.addFolder();
    for (let count = 4 + this.pick(8); count > 0; count--) this.addFile();
    for (let count = this.pick(5); count > 0; count--) this.addLink();
    for (let count = this.pick(3); count > 0; count--) this.addHardLink();
    for (let count = this.pick(3); count > 0; count--) this.addSpecial();
    for (let count = this.pick(3); count > 0; count--) this.changePermission();
  }

  /** One change of any kind. Answers what it was, for the failure's message. */
  change(): string {
    const changes = {
      append: () => this.append(),
      permission: () => this.changePermission(),
      open: () => this.openAll(),
      replace: () => this.replace(),
      special: () => this.becomeSpecial(),
      rotate: () => this.rotate(),
      move: () => this.move(),
      folder: () => this.addFolder(),
      file: () => this.addFile(),
      link: () => this.addLink(),
      hardLink: () => this.addHardLink(),
    };
    const kinds = Object.entries(changes);
    const [kind, change] = kinds[this.pick(kinds.length)] ?? ["append", changes.append];
    change();
    return kind;
  }

  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket[Symbol.dispose]();
  }

  private append(): void {
    const path = this.oneOf(this.files());
    if (path !== undefined) appendFileSync(systemPath(path), this.lines());
  }

  private changePermission(): void {
    const path = this.oneOf([...this.files(), ...this.folders().slice(1)]);
    if (path === undefined) return;
    const stat = lstatSync(systemPath(path));
    const open = stat.isDirectory() ? 0o755 : 0o644;
    const closed = stat.isDirectory() ? (this.oneOf([0o700, 0o711, 0o744]) ?? 0o700) : 0o600;
    chmodSync(systemPath(path), (stat.mode & 0o777) === open ? closed : open);
  }

  private openAll(): void {
    for (const path of this.folders()) chmodSync(systemPath(path), 0o755);
    for (const path of this.files()) chmodSync(systemPath(path), 0o644);
  }

  private replace(): void {
    const path = this.oneOf(this.files());
    if (path === undefined) return;
    if (this.random.next() < 0.5) rmSync(systemPath(path));
    else {
      writeFileSync(systemPath(`${path}~`), this.lines());
      renameSync(systemPath(`${path}~`), systemPath(path));
      return;
    }
    writeFileSync(systemPath(path), this.lines());
  }

  private becomeSpecial(): void {
    const path = this.oneOf(this.files());
    if (path === undefined) return;
    rmSync(systemPath(path));
    this.makeSpecial(path);
  }

  private rotate(): void {
    const path = this.oneOf(this.files().filter((each) => each.endsWith(".log")));
    if (path === undefined) return;
    renameSync(systemPath(path), systemPath(`${path}.${++this.written}`));
    writeFileSync(systemPath(path), this.lines());
  }

  private move(): void {
    const from = this.oneOf(this.files());
    const to = this.freePath(fileNames);
    if (from !== undefined && to !== undefined) renameSync(systemPath(from), systemPath(to));
  }

  private addFolder(): void {
    const path = this.freePath(folderNames);
    if (path !== undefined && this.folders().length < foldersMax) mkdirSync(systemPath(path), { mode: 0o755 });
  }

  private addFile(): void {
    const path = this.freePath(fileNames);
    if (path !== undefined) writeFileSync(systemPath(path), this.lines());
  }

  private addHardLink(): void {
    const from = this.oneOf(this.files());
    const to = this.freePath(fileNames);
    if (from !== undefined && to !== undefined) linkSync(systemPath(from), systemPath(to));
  }

  private addLink(): void {
    const path = this.freePath(["l.log", "m.log", "lnk", "x.log"]);
    // Of links to folders there are few: the ways through them multiply.
    const folders = this.entries().filter((entry) => lstatSync(systemPath(entry)).isSymbolicLink()).length < 2;
    const target = this.oneOf([
      ...this.files(),
      ...(folders ? this.folders() : []),
      "nowhere",
      "../t.txt",
      ...(path === undefined ? [] : [path, `${path}/x`]),
      `${this.root}/x.log/y`,
    ]);
    if (path !== undefined && target !== undefined) symlinkSync(systemPath(target), systemPath(path));
  }

  private addSpecial(): void {
    const path = this.freePath(fileNames);
    if (path !== undefined) this.makeSpecial(path);
  }

  /** Made under a plain name: what makes them takes no bytes. */
  private makeSpecial(path: string): void {
    const plain = `${this.root}/s`;
    if (this.random.next() < 0.5) Bun.spawnSync(["mkfifo", plain]);
    else this.sockets.push(Bun.listen({ unix: plain, socket: { data: () => {} } }));
    renameSync(plain, systemPath(path));
  }

  private lines(): string {
    const lines = Array.from(
      { length: 1 + this.pick(3) },
      () => `line ${this.written++} ${"x".repeat(this.pick(90))}.`,
    );
    return `${lines.join("\n")}\n`;
  }

  private files(): readonly string[] {
    return this.entries().filter((path) => lstatSync(systemPath(path)).isFile() && !/\.\d+$/.test(path));
  }

  private folders(): readonly string[] {
    return [this.root, ...this.entries().filter((path) => lstatSync(systemPath(path)).isDirectory())];
  }

  private entries(folder = this.root): readonly string[] {
    return namesIn(folder).flatMap((name) => {
      const path = childOf(folder, name);
      return lstatSync(systemPath(path)).isDirectory() ? [path, ...this.entries(path)] : [path];
    });
  }

  /** A path in one of the folders at which there is nothing yet. */
  private freePath(names: readonly string[]): string | undefined {
    const folder = this.oneOf(this.folders().filter((path) => this.depthOf(path) < 3));
    const name = this.oneOf(names);
    if (folder === undefined || name === undefined) return undefined;
    return namesIn(folder).includes(name) ? undefined : childOf(folder, name);
  }

  private depthOf(path: string): number {
    return path === this.root ? 0 : 1 + this.depthOf(folderOf(path));
  }

  private oneOf<T>(all: readonly T[]): T | undefined {
    return all[this.pick(all.length)];
  }

  private pick(below: number): number {
    return Math.floor(this.random.next() * below);
  }
}
