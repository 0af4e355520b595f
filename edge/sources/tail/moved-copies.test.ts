import { test } from "bun:test";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { openCount } from "./open-count.ts";
import { linesOf, numbered, said, sees, tailWorld } from "./testing/tail-world.ts";

/** A log in a folder, and what was written to it so far. */
function movingWorld(config: Record<string, unknown> = {}) {
  const w = tailWorld(config, "*/*.log");
  const log = (folder: string, name = "x.log") => w.dir.file(`${folder}/${name}`);
  mkdirSync(w.dir.file("d"));
  const expected: string[] = [];
  const write = (path: string, lines: string) => {
    appendFileSync(path, lines);
    expected.push(lines);
  };
  const lines = () => linesOf(...expected);
  /** Twenty lines of it are written and read. */
  const begun = async () => {
    write(log("d"), numbered("old", 20));
    const run = w.start();
    await sees(run, lines());
    return run;
  };
  return { ...w, log, write, lines, begun, [Symbol.dispose]: () => w.dir[Symbol.dispose]() };
}

test("stopped; a log is copied and emptied, and its folder moved: the copy is not read again", async () => {
  using w = movingWorld();
  w.write(w.log("d"), numbered("old", 20));
  const first = w.start();
  await sees(first, w.lines());
  const work = await first.stop();
  copyFileSync(w.log("d"), w.log("d", "x.log.1"));
  truncateSync(w.log("d"));
  renameSync(w.dir.file("d"), w.dir.file("d2"));
  await using second = w.start(work);
  await sees(second, w.lines());
  w.write(w.log("d2"), numbered("new", 5));
  await sees(second, w.lines());
});

test("stopped; a log with unread lines is copied and written anew, and its folder moved: the rest is read in the copy", async () => {
  using w = movingWorld();
  w.write(w.log("d"), numbered("old", 20));
  const first = w.start();
  await sees(first, w.lines());
  const work = await first.stop();
  w.write(w.log("d"), numbered("unread", 7));
  copyFileSync(w.log("d"), w.log("d", "x.log.1"));
  truncateSync(w.log("d"));
  w.write(w.log("d"), numbered("new", 30));
  renameSync(w.dir.file("d"), w.dir.file("d2"));
  await using second = w.start(work);
  await sees(second, w.lines());
});

test("a log is copied and emptied, its folder moved and another made in its place, and the agent ends at once", async () => {
  using w = movingWorld();
  w.write(w.log("d"), numbered("old", 20));
  const first = w.start();
  await sees(first, w.lines());
  first.intake.commit();
  copyFileSync(w.log("d"), w.log("d", "x.log.1"));
  truncateSync(w.log("d"));
  renameSync(w.dir.file("d"), w.dir.file("d2"));
  mkdirSync(w.dir.file("d"));
  w.write(w.log("d"), numbered("new", 5));
  w.write(w.log("d2"), numbered("late", 5));
  await Bun.sleep(10);
  const work = await first.crash();
  await using second = w.start(work);
  await sees(second, w.lines());
});

/** What is done to a log: C copied and truncated, R renamed and made anew, M its folder moved, K moved alone into another folder that is followed, O moved out of sight, L lines come. */
const steps: Readonly<Record<string, (w: ReturnType<typeof movingWorld>, at: { folder: string }) => void>> = {
  C: (w, { folder }) => {
    shift(w, folder);
    copyFileSync(w.log(folder), w.log(folder, "x.log.1"));
    truncateSync(w.log(folder));
  },
  R: (w, { folder }) => {
    shift(w, folder);
    renameSync(w.log(folder), w.log(folder, "x.log.1"));
    writeFileSync(w.log(folder), "");
  },
  M: (w, at) => {
    const before = at.folder;
    at.folder = `${before}m`;
    renameSync(w.dir.file(before), w.dir.file(at.folder));
  },
  K: (w, at) => {
    const before = at.folder;
    at.folder = `${before}k`;
    mkdirSync(w.dir.file(at.folder));
    renameSync(w.log(before), w.log(at.folder));
  },
  O: (w, { folder }) => {
    renameSync(w.log(folder), w.dir.file(`${folder}-x.outside`));
    writeFileSync(w.log(folder), "");
  },
  L: (w, { folder }) => w.write(w.log(folder), numbered(`more ${w.lines().length}`, 40)),
};

/** Generations are one older from now on. */
function shift(w: ReturnType<typeof movingWorld>, folder: string): void {
  for (const to of [4, 3, 2]) {
    if (existsSync(w.log(folder, `x.log.${to - 1}`)))
      renameSync(w.log(folder, `x.log.${to - 1}`), w.log(folder, `x.log.${to}`));
  }
}

const down = [
  "LCK",
  "CRM",
  "CMR",
  "MCR",
  "KCR",
  "LCRM",
  "LMCRL",
  "CK",
  "LCM",
  "CCM",
  "CO",
  "LCO",
  "RCM",
  "CRMC",
  "LCKL",
];
test.each(down)("stopped; with a log that was read happens %s: each line once", async (sequence) => {
  using w = movingWorld();
  const first = await w.begun();
  const work = await first.stop();
  const at = { folder: "d" };
  for (const step of sequence) steps[step]?.(w, at);
  await using second = w.start(work);
  await sees(second, w.lines());
  steps.L?.(w, at);
  await sees(second, w.lines());
});

const up = ["CO", "CK", "CR", "CRM", "CM", "RCM", "CCO", "MC"];
test.each(up)("while it is read and closed happens %s to a log: each line once", async (sequence) => {
  using w = movingWorld({ openFilesMax: 1, idleClose: 100 });
  const expected = numbered("other", 20);
  mkdirSync(w.dir.file("z"));
  const run = await w.begun();
  await using _ = run;
  w.write(w.log("z"), expected);
  await sees(run, w.lines());
  await until("they are closed", () => openCount.now <= 1);
  const at = { folder: "d" };
  for (const step of sequence) steps[step]?.(w, at);
  await sees(run, w.lines());
  steps.L?.(w, at);
  await sees(run, w.lines());
});

for (const when of ["while it is read", "while the agent is down"]) {
  test(`a log is copied and emptied by a name in another folder ${when}: unread lines are not lost for what is repeated`, async () => {
    using w = movingWorld();
    mkdirSync(w.dir.file("e"));
    const first = await w.begun();
    linkSync(w.log("d"), w.log("e", "h.log"));
    await until("its names", () => said(first, "tail_same_file").length > 0);
    const work = when === "while it is read" ? undefined : await first.stop();
    w.write(w.log("d"), numbered("unread", 3));
    copyFileSync(w.log("e", "h.log"), w.log("e", "h.log.1"));
    truncateSync(w.log("e", "h.log"));
    const second = work === undefined ? first : w.start(work);
    w.write(w.log("d"), numbered("new", 5));
    await until(
      "all lines",
      () => new Set(second.intake.lines),
      (seen) => w.lines().every((line) => seen.has(line)),
    );
    await second.stop();
  });
}

for (const end of ["stops", "is renewed"] as const) {
  test(`an empty log is renamed and written to, its folder moved, and the agent ${end} when it has just seen that: its line is read`, async () => {
    using w = movingWorld();
    w.write(w.log("d", "y.log"), numbered("old", 20));
    writeFileSync(w.log("d"), "");
    let ending: Promise<unknown> | undefined;
    const run = w.start(undefined, {
      report: ({ name }) => {
        // Within the look itself: there is no other one.
        if (name === "tail_moved_here") ending ??= end === "stops" ? run.stop() : run.renew();
      },
    });
    await sees(run, w.lines());
    run.intake.commit();
    renameSync(w.log("d"), w.log("d", "x.log.1"));
    w.write(w.log("d", "x.log.1"), "short\n");
    w.write(w.log("d"), numbered("new", 20));
    renameSync(w.dir.file("d"), w.dir.file("d2"));
    await until("it to see that", () => ending !== undefined);
    await ending;
    await using second = w.start(run.intake.work);
    await sees(second, w.lines());
  });
}
