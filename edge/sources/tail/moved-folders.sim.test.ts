/**
 * Folders of logs are renamed, exchanged, put into each other, removed and made anew at random moments around crashes,
 * starts and reloads of the agent, while programs go on writing through the descriptors that they have, and inodes are
 * given to new files. No line has its only copy removed before it is committed: each has to arrive once.
 */
import { expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Holding } from "../../core/source.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const seeds = Number(process.env.TAIL_SIM_SEEDS ?? 12);
const first = Number(process.env.TAIL_SIM_FIRST ?? 1);
const patterns = ["*/*.log", "**/*.log", "{a,b,c,d,e,f}/{x,y}.log"];
const folderNames = ["a", "b", "c", "d", "e", "f"];

/** A program that writes a log; where its folder is now, it does not know. */
class Program {
  readonly lines: string[] = [];
  private fd: number;
  private generation = 0;

  constructor(
    readonly label: string,
    readonly folder: Folder,
    readonly name: string,
    private readonly random: Random,
  ) {
    this.fd = openSync(this.path, "a");
  }

  get path(): string {
    return `${this.folder.path}/${this.name}`;
  }

  write(): void {
    let text = "";
    for (let count = 1 + Math.floor(this.random.next() * 8); count > 0; count--) {
      const line = `${this.label} ${this.lines.length} ${"x".repeat(Math.floor(this.random.next() * 80))}.`;
      this.lines.push(line);
      text += `${line}\n`;
    }
    writeSync(this.fd, text);
  }

  rotate(): void {
    renameSync(this.path, `${this.path}.${++this.generation}`);
    if (this.random.next() < 0.3) this.write();
    closeSync(this.fd);
    this.fd = openSync(this.path, "a");
  }

  end(): void {
    closeSync(this.fd);
  }
}

interface Folder {
  path: string;
  readonly programs: Program[];
}

test.each(Array.from({ length: seeds }, (_, index) => first + index))(
  "folders that are moved around lose nothing and repeat nothing (seed %d)",
  async (seed) => simulate(seed),
  30_000,
);

async function simulate(seed: number): Promise<void> {
  using dir = tempDir();
  const random = seededRandom(seed);
  const pick = (below: number) => Math.floor(random.next() * below);
  const work = new CommittedWork();
  const root = dir.file("L");
  mkdirSync(root);
  const written: Program[] = [];
  let folders: Folder[] = [];
  const free = () => folderNames.map((name) => `${root}/${name}`).filter((path) => !existsSync(path));
  const addFolder = () => {
    const path = free()[0];
    if (path === undefined || folders.length >= 4) return;
    mkdirSync(path);
    const folder: Folder = { path, programs: [] };
    folders.push(folder);
    for (const name of ["x.log", "y.log"]) {
      const program = new Program(`${written.length}`, folder, name, random);
      program.write();
      folder.programs.push(program);
      written.push(program);
    }
  };
  const oneFolder = () => folders[pick(folders.length)];
  const oneProgram = () => {
    const programs = oneFolder()?.programs ?? [];
    return programs[pick(programs.length)];
  };
  const move = (folder: Folder | undefined, to: string | undefined) => {
    if (folder === undefined || to === undefined) return;
    renameSync(folder.path, to);
    folder.path = to;
  };
  addFolder();
  addFolder();
  const config = {
    paths: `${root}/${patterns[seed % patterns.length]}`,
    pollInterval: 30,
    rotateWait: 100,
    openFilesMax: seed % 4 === 0 ? 2 : 512,
    idleClose: seed % 5 === 0 ? 100 : 60_000,
  };
  const start = (held?: Holding) =>
    runSource({
      definition,
      config,
      dataDir: dir.path,
      work,
      intake: { commitWhenReady: seed % 2 === 0 },
      ...(held === undefined ? {} : { held }),
    });
  let agent: RunningSource | undefined = start();
  // What the first look finds was there before us: that is over, and stored.
  await until("the first look", () => {
    agent?.intake.commit();
    return work.positions.has(`pattern ${config.paths}`);
  });
  const isAllCommitted = (folder: Folder) => {
    const committed = new Set(work.lines);
    return folder.programs.every(({ lines }) => lines.every((line) => committed.has(line)));
  };
  const actions: readonly (readonly [number, () => void | Promise<void>])[] = [
    [30, () => oneProgram()?.write()],
    [8, () => oneProgram()?.rotate()],
    [10, () => move(oneFolder(), free()[pick(free().length)])],
    [
      3,
      () => {
        // Exchanged: each has the other's name.
        const [one, other] = [oneFolder(), oneFolder()];
        if (one === undefined || other === undefined || one === other) return;
        const { path } = one;
        move(one, `${root}/between`);
        const otherPath = other.path;
        move(other, path);
        move(one, otherPath);
      },
    ],
    [6, addFolder],
    [
      4,
      () => {
        const folder = oneFolder();
        if (folder === undefined || folders.length < 2 || !isAllCommitted(folder)) return;
        for (const program of folder.programs) program.end();
        folders = folders.filter((other) => other !== folder);
        rmSync(folder.path, { recursive: true });
      },
    ],
    [14, () => Bun.sleep(pick(60))],
    [8, () => agent?.intake.commit()],
    [2, () => agent?.intake.block()],
    [4, () => agent?.intake.unblock()],
    [
      5,
      async () => {
        await (random.next() < 0.3 ? agent?.stop() : agent?.crash());
        agent = undefined;
      },
    ],
    [
      5,
      async () => {
        // A reload: what is open goes over to the next object.
        const before = agent;
        if (before === undefined) return;
        const held = await before.renew();
        agent = start(held);
      },
    ],
    [
      10,
      () => {
        agent ??= start();
      },
    ],
  ];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  for (let step = 0; step < 120; step++) {
    let at = pick(total);
    let chosen = 0;
    while (at >= (actions[chosen]?.[0] ?? 0)) at -= actions[chosen++]?.[0] ?? 0;
    await actions[chosen]?.[1]();
  }
  agent ??= start();
  const last = agent;
  last.intake.unblock();
  const all = written.flatMap(({ lines }) => lines);
  try {
    await until(
      "all lines",
      () => {
        last.intake.commit();
        const committed = new Set(work.lines);
        return all.filter((line) => !committed.has(line));
      },
      (missing) => missing.length === 0,
      { withinMs: 5_000 },
    );
    await Bun.sleep(100);
    last.intake.commit();
  } finally {
    await last.stop();
    for (const { programs } of folders) for (const program of programs) program.end();
  }
  expect([...work.lines].sort()).toEqual([...all].sort());
  expect(work.counter("lost_at_source")).toBe(0);
}
