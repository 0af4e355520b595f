/** A file with names in two folders, one of which may not be entered for a while. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, chmodSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { OtherUsersAgent } from "../../testing/fakes/other-users-agent.ts";

let agent: OtherUsersAgent;
beforeAll(async () => {
  agent = new OtherUsersAgent("tail", 30_000);
  await agent.ready;
});
afterAll(() => agent.kill());

const linesOf = async () => (await agent.ask({ ask: "look" })).lines;
const areRead = async (lines: readonly string[]) =>
  await until(`${lines} to be read`, linesOf, (found) => lines.every((line) => found.includes(line)));

/** Two folders, empty, and what is asked for: all logs in them. */
function twoFolders() {
  const dir = tempDir();
  chmodSync(dir.path, 0o755);
  const [dataDir, a, b] = [dir.file("state"), dir.file("a"), dir.file("b")];
  for (const folder of [dataDir, a, b]) mkdirSync(folder, { mode: 0o755 });
  chmodSync(dataDir, 0o777);
  const config = { paths: [`${a}/*.log`, `${b}/*.log`], pollInterval: 20, rotateWait: 40, idleClose: 100 };
  return {
    a,
    b,
    begin: async () => await agent.ask({ ask: "begin", config, dataDir }),
    told: async () => (await agent.ask({ ask: "look" })).leftOut.map(({ path }) => path),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
}

test.each(["while the agent runs", "while it is down"] as const)(
  "a file of two names that loses the one we know it by, the other in a folder that is closed, is read once: %s",
  async (when) => {
    using dir = tempDir();
    chmodSync(dir.path, 0o755);
    const [state, open, closed, later] = ["state", "open", "closed", "later"].map((name) => dir.file(name));
    if (state === undefined || open === undefined || closed === undefined || later === undefined) return;
    for (const folder of [state, open, closed, later]) mkdirSync(folder, { mode: 0o755 });
    chmodSync(state, 0o777);
    writeFileSync(`${open}/x.log`, "first\n");
    const config = { paths: dir.file("*/*.log"), pollInterval: 20, rotateWait: 40, idleClose: 100 };
    await agent.ask({ ask: "begin", config, dataDir: state });
    await areRead(["first"]);
    linkSync(`${open}/x.log`, `${closed}/y.log`);
    writeFileSync(`${closed}/z.log`, "beside it\n");
    await areRead(["beside it"]);
    // From here on the closed folder knows no file by its own name, and the other one is not held open.
    renameSync(`${closed}/z.log`, `${later}/z.log`);
    appendFileSync(`${later}/z.log`, "moved\n");
    await areRead(["moved"]);
    await Bun.sleep(200);
    if (when === "while it is down") await agent.ask({ ask: "stop" });
    chmodSync(closed, 0o700);
    rmSync(`${open}/x.log`);
    writeFileSync(`${open}/x.log`, "another\n");
    await agent.ask({ ask: "start" });
    await areRead(["another"]);
    renameSync(`${closed}/y.log`, `${later}/y.log`);
    writeFileSync(`${later}/w.log`, "the last\n");
    await areRead(["the last"]);
    await Bun.sleep(100);
    await agent.ask({ ask: "stop" });
    expect((await linesOf()).toSorted()).toEqual(["another", "beside it", "first", "moved", "the last"]);
  },
  60_000,
);

test("a file whose folder shows names and no more while it is open is not forgotten", async () => {
  using dir = tempDir();
  chmodSync(dir.path, 0o755);
  const [state, folder] = [dir.file("state"), dir.file("folder")];
  for (const each of [state, folder]) mkdirSync(each, { mode: 0o755 });
  chmodSync(state, 0o777);
  const config = { paths: dir.file("*/*.log"), pollInterval: 20, rotateWait: 40, idleClose: 300 };
  await agent.ask({ ask: "begin", config, dataDir: state });
  writeFileSync(`${folder}/x.log`, "first\n");
  await areRead(["first"]);
  // Its descriptor is open still; it is closed, or would be forgotten, while nobody can look.
  chmodSync(folder, 0o744);
  await Bun.sleep(900);
  chmodSync(folder, 0o755);
  appendFileSync(`${folder}/x.log`, "second\n");
  await areRead(["second"]);
  await agent.ask({ ask: "stop" });
  expect(await linesOf()).toEqual(["first", "second"]);
}, 60_000);

test.each(["while the agent runs", "while it is down"] as const)(
  "a file in a folder that shows no names any more is emptied and written anew: it is read under its name elsewhere (%s)",
  async (when) => {
    using folders = twoFolders();
    const { a: closed, b: open } = folders;
    writeFileSync(`${closed}/x.log`, "the first\nthe second\n");
    await folders.begin();
    await areRead(["the first", "the second"]);
    // Until it is not held open any more.
    await Bun.sleep(200);
    if (when === "while it is down") await agent.ask({ ask: "stop" });
    chmodSync(closed, 0o711);
    await agent.ask({ ask: "start" });
    await until("the word that the folder shows no names", async () => (await folders.told()).includes(closed));
    writeFileSync(`${closed}/x.log`, "another\n");
    linkSync(`${closed}/x.log`, `${open}/y.log`);
    await areRead(["another"]);
    appendFileSync(`${closed}/x.log`, "more\n");
    await areRead(["more"]);
    chmodSync(closed, 0o755);
    writeFileSync(`${closed}/z.log`, "the last\n");
    await areRead(["the last"]);
    await Bun.sleep(100);
    await agent.ask({ ask: "stop" });
    expect(await linesOf()).toEqual(["the first", "the second", "another", "more", "the last"]);
  },
  60_000,
);

test("a file that is known by its other name, because its folder was closed, is still known when that name is gone", async () => {
  using folders = twoFolders();
  const { a: closed, b: open } = folders;
  writeFileSync(`${closed}/x.log`, "first\n");
  await folders.begin();
  await areRead(["first"]);
  linkSync(`${closed}/x.log`, `${open}/y.log`);
  appendFileSync(`${open}/y.log`, "second\n");
  await areRead(["second"]);
  await agent.ask({ ask: "stop" });
  chmodSync(closed, 0o700);
  await agent.ask({ ask: "start" });
  appendFileSync(`${open}/y.log`, "third\n");
  await areRead(["third"]);
  rmSync(`${open}/y.log`);
  writeFileSync(`${open}/z.log`, "another\n");
  await areRead(["another"]);
  await Bun.sleep(300);
  await agent.ask({ ask: "stop" });
  await agent.ask({ ask: "start" });
  appendFileSync(`${open}/z.log`, "more\n");
  await areRead(["more"]);
  chmodSync(closed, 0o755);
  writeFileSync(`${closed}/w.log`, "the last\n");
  await areRead(["the last"]);
  await Bun.sleep(100);
  await agent.ask({ ask: "stop" });
  expect(await linesOf()).toEqual(["first", "second", "third", "another", "more", "the last"]);
}, 60_000);

test("a file that may not be read is replaced while its other name, in another folder, leads to it: only that name is told", async () => {
  using folders = twoFolders();
  const { a: first, b: second, told } = folders;
  writeFileSync(`${first}/x.log`, "first\n");
  await folders.begin();
  await areRead(["first"]);
  await agent.ask({ ask: "stop" });
  linkSync(`${first}/x.log`, `${second}/y.log`);
  appendFileSync(`${first}/x.log`, "second\n");
  chmodSync(`${first}/x.log`, 0o600);
  await agent.ask({ ask: "start" });
  await until("the word", async () => (await told()).includes(`${first}/x.log`));
  writeFileSync(`${first}/new`, "another\n");
  renameSync(`${first}/new`, `${first}/x.log`);
  await areRead(["another"]);
  await until("the word of its other name alone", async () => (await told()).join() === `${second}/y.log`);
  chmodSync(`${second}/y.log`, 0o644);
  await areRead(["second"]);
  await agent.ask({ ask: "stop" });
  expect(await linesOf()).toEqual(["first", "another", "second"]);
}, 60_000);
