/** Files with several names, and names that cannot be seen for a while. */
import { expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { OtherUsersAgent } from "../../testing/fakes/other-users-agent.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

/** A file of two names, complete before any of them can be seen. */
function spoolOfTwoNames() {
  const dir = tempDir();
  const [spool, aside] = [dir.file("spool"), dir.file("aside")];
  for (const folder of [spool, aside]) mkdirSync(folder);
  writeFileSync(`${aside}/a`, "one\ntwo\n");
  linkSync(`${aside}/a`, `${spool}/b.csv`);
  renameSync(`${aside}/a`, `${spool}/a.csv`);
  return { dir, spool, names: () => readdirSync(spool).sort() };
}

test.each([
  ["rename", ["a.csv.COMPLETED", "b.csv.COMPLETED"]],
  ["delete", []],
  ["tracker", ["a.csv", "b.csv"]],
])("a file with two names is read once, and both names are put away (%s)", async (done, left) => {
  const { dir, spool, names } = spoolOfTwoNames();
  using _ = dir;
  await using run = runSource({
    definition,
    config: { path: spool, done, settle: 0, pollInterval: 10 },
    dataDir: dir.path,
  });
  await until("the lines", () => run.intake.work.lines.length >= 2);
  await until("what is left", () => names().join() === left.join());
  // What is repeated would come with the next looks.
  await Bun.sleep(60);
  expect(run.intake.lines).toEqual(["one", "two"]);
  expect(run.reports.filter(({ signal }) => signal === "spool_left_out").map(({ fields }) => fields)).toEqual([
    { file: "b.csv", reason: "it is another name of a.csv" },
  ]);
});

test("a folder that is closed for a while: what was read there is not read again, and what cannot be read is shown", async () => {
  using dir = tempDir();
  const [spool, state] = [dir.file("spool"), dir.file("state")];
  for (const folder of [dir.path, spool, state, `${spool}/sub`]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
  }
  const agent = new OtherUsersAgent("spooldir", 4_000);
  try {
    await agent.ready;
    const look = () => agent.ask({ ask: "look" });
    writeFileSync(`${spool}/sub/a.csv`, "one\n");
    const config = { path: spool, done: "tracker", recursive: true, settle: 0, pollInterval: 10 };
    await agent.ask({ ask: "begin", config, dataDir: state });
    await until("the line", async () => (await look()).lines.length === 1);
    chmodSync(`${spool}/sub`, 0o700);
    writeFileSync(`${spool}/b.csv`, "two\n");
    chmodSync(`${spool}/b.csv`, 0o600);
    const told = async () => (await look()).leftOut.map(({ path }) => path).sort();
    await until("the words", async () => (await told()).join() === "b.csv,sub");
    const reasons = (await look()).leftOut.map(({ reason }) => reason);
    expect(reasons.filter((reason) => !reason.includes(spool))).toEqual([]);
    await agent.ask({ ask: "stop" });
    await agent.ask({ ask: "start" });
    await until("the words again", async () => (await told()).join() === "b.csv,sub");
    chmodSync(`${spool}/sub`, 0o777);
    chmodSync(`${spool}/b.csv`, 0o644);
    await until("the second line", async () => (await look()).lines.length >= 2);
    await Bun.sleep(60);
    expect(await look()).toMatchObject({ lines: ["one", "two"], leftOut: [], errors: [], lostBytes: 0 });
  } finally {
    agent.kill();
  }
});

test("killed just after a file was put away, while its other name lies in a closed folder: it is not read again under that name", async () => {
  using dir = tempDir();
  const [spool, state] = [dir.file("spool"), dir.file("state")];
  for (const folder of [dir.path, spool, state, `${spool}/sub`]) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
  }
  writeFileSync(`${dir.path}/new`, "one\n");
  linkSync(`${dir.path}/new`, `${spool}/sub/a.csv`);
  chmodSync(`${spool}/sub`, 0o700);
  renameSync(`${dir.path}/new`, `${spool}/b.csv`);
  const agent = new OtherUsersAgent("spooldir", 4_000);
  try {
    await agent.ready;
    const config = { path: spool, done: "rename", order: "name", recursive: true, settle: 0, pollInterval: 10 };
    await agent.ask({ ask: "begin", config, dataDir: state });
    await until("the rename", () => readdirSync(spool).includes("b.csv.COMPLETED"), Boolean, { everyMs: 1 });
    await agent.ask({ ask: "crash" });
    await agent.ask({ ask: "start" });
    // Several looks, in which what is gone is forgotten.
    for (let count = 0; count < 5; count++) {
      await Bun.sleep(20);
      await agent.ask({ ask: "look" });
    }
    chmodSync(`${spool}/sub`, 0o777);
    await until("its other name to be put away", () => readdirSync(`${spool}/sub`).includes("a.csv.COMPLETED"));
    expect(await agent.ask({ ask: "look" })).toMatchObject({ lines: ["one"], leftOut: [], errors: [], lostBytes: 0 });
  } finally {
    agent.kill();
  }
});
