import { expect, test } from "bun:test";
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import definition from "./index.ts";

/** A folder as a machine may have it, and what is said of a pattern there. */
function machine() {
  const dir = tempDir();
  const [data, logs, secret] = [dir.file("data"), dir.file("logs"), dir.file("password")];
  for (const folder of [data, logs]) mkdirSync(folder);
  writeFileSync(secret, "secret");
  const claims = new Map<string, string>();
  const surroundings = (source: string) => ({
    dataDir: data,
    ownFiles: [secret, dir.file("missing")],
    claim: (what: string) => {
      const owner = claims.get(what);
      if (owner === undefined) claims.set(what, source);
      return owner === source ? undefined : owner;
    },
  });
  return {
    dir,
    data,
    secret,
    logs: (name: string) => `${logs}/${name}`,
    async says(paths: string | readonly string[], more: object = {}, source = "a"): Promise<readonly string[]> {
      const reading = definition.read({ paths, ...more });
      if (!reading.ok) throw new Error("the test's config is wrong");
      const remarks = (await reading.value.inspect?.(surroundings(source))) ?? [];
      return remarks.map(({ level, message }) => `${level}: ${message}`);
    },
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

test("a pattern that finds files is nothing to speak of", async () => {
  using m = machine();
  writeFileSync(m.logs("x.log"), "one\n");
  expect(await m.says(m.logs("*.log"))).toEqual([]);
});

test("a pattern that matches nothing now is a note, one that never can a warning", async () => {
  using m = machine();
  writeFileSync(m.logs("x.log"), "one\n");
  expect(await m.says(m.logs("*.txt"))).toEqual([
    `note: "${m.logs("*.txt")}": matches no file now; what comes later is read from its beginning`,
  ]);
  expect(await m.says([m.logs("x.log"), "/proc/kmsg"])).toEqual([
    'warning: "/proc/kmsg": lies among the kernel\'s own files, which are never read',
  ]);
  const excluded = await m.says(m.logs("x.log"), { exclude: ["x.*"] });
  expect(excluded).toEqual([`warning: "${m.logs("x.log")}": is left out by exclude: it can match nothing`]);
  expect(await m.says(m.logs(""))).toEqual([
    `warning: "${m.logs("").slice(0, -1)}": is a folder: name the files in it`,
  ]);
});

test("logs in the agent's own data folder are a warning before it runs, through a link as well", async () => {
  using m = machine();
  symlinkSync(m.data, m.dir.file("link"));
  for (const folder of [m.data, m.dir.file("link"), `${m.data}/logs`]) {
    expect(await m.says(`${folder}/x.log`)).toEqual([
      `warning: "${folder}/x.log": lies in the agent's own data folder, which is never read`,
    ]);
  }
  writeFileSync(`${m.data}/y.log`, "");
  const ours = "is one of the agent's own files (config, secret or data), which are never read";
  // Two ways lead to the folder, which is one.
  expect(await m.says(m.dir.file("**/y.log"))).toEqual([
    `warning: "${m.dir.file("**/y.log")}": ${m.data}/y.log ${ours}`,
  ]);
});

test("a secret under a pattern, by its own or a second name, is a warning", async () => {
  using m = machine();
  linkSync(m.secret, m.logs("s.log"));
  symlinkSync(m.secret, m.logs("t.log"));
  const says = await m.says(m.logs("*.log"));
  expect(says).toHaveLength(2);
  for (const said of says) expect(said).toContain("is one of the agent's own files");
});

test("what stands under a pattern and is not read is said: a link to nowhere, a FIFO, a compressed file", async () => {
  using m = machine();
  symlinkSync("nowhere", m.logs("a.log"));
  Bun.spawnSync(["mkfifo", m.logs("b.log")]);
  writeFileSync(m.logs("c.log.gz"), "");
  expect(await m.says(m.logs("*.log*"))).toEqual([
    `warning: "${m.logs("*.log*")}": ${m.logs("a.log")} is a link that leads nowhere`,
    `warning: "${m.logs("*.log*")}": ${m.logs("b.log")} is a FIFO: only files are read`,
    `warning: "${m.logs("*.log*")}": ${m.logs("c.log.gz")} is compressed: compressed files are not read`,
  ]);
});

test("of many of one kind the first twenty are named", async () => {
  using m = machine();
  for (let index = 10; index < 50; index++) symlinkSync("nowhere", m.logs(`${index}.log`));
  const says = await m.says(m.logs("*.log"));
  expect(says).toHaveLength(21);
  expect(says.at(-1)).toEndWith("and 20 more of this kind");
});

test("a range that ends before it begins matches nothing, which is a warning", async () => {
  using m = machine();
  writeFileSync(m.logs("x.log"), "");
  expect(await m.says(m.logs("[z-a].log"))).toEqual([
    `warning: "${m.logs("[z-a].log")}": [z-a] ends before it begins: it matches no character`,
  ]);
  for (const written of ["[xz-a].log", "[!z-a].log", "[^z-a].log", "[a-z].log", "\\[z-a].log", "regex:[x]\\.log"]) {
    const said = await m.says(m.logs(written));
    expect(said.filter((each) => each.includes("ends before"))).toEqual([]);
  }
});

test("a file or a pattern that another source reads as well is a warning; of one's own it is none", async () => {
  using m = machine();
  writeFileSync(m.logs("x.log"), "");
  linkSync(m.logs("x.log"), m.logs("y.log"));
  expect(await m.says([m.logs("x.log"), m.logs("*.log")])).toEqual([]);
  const shared = "is read by source a as well: each of them sends its lines";
  expect(await m.says(m.logs("*.log"), {}, "b")).toEqual([`warning: "${m.logs("*.log")}": ${shared}`]);
  expect(await m.says(m.logs("?.log"), {}, "c")).toEqual([
    `warning: "${m.logs("?.log")}": ${m.logs("x.log")} ${shared}`,
    `warning: "${m.logs("?.log")}": ${m.logs("y.log")} ${shared}`,
  ]);
});
