/**
 * The spool directory against a model: plain and compressed files with names in any bytes, hard links, links, FIFOs and
 * sockets, permissions that come and go, files that are written on after they were put in, removed, many at once, while an
 * agent of another user runs, stops and crashes. Each line of a file that was left alone and can be read arrives once; what
 * cannot is told; what was written too late is counted or told; nothing arrives that was not put in.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { shownPath } from "../../../shared/files/path-text.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { OtherUsersAgent } from "../../testing/fakes/other-users-agent.ts";
import type { DiscoveryAnswer } from "../../testing/fakes/source-process.ts";
import { OddSpool, type PutFile } from "./testing/odd-spool.ts";

const seeds = Number(process.env.SPOOL_SIM_SEEDS ?? 30);
const first = Number(process.env.SPOOL_SIM_FIRST ?? 1);
const changesMax = 10;
const stallMs = 20_000;
const ways = ["rename", "delete", "tracker"] as const;

let agent: OtherUsersAgent;
beforeAll(async () => {
  agent = new OtherUsersAgent("spooldir", stallMs);
  await agent.ready;
});
afterAll(() => agent.kill());

test.each(Array.from({ length: seeds }, (_, index) => first + index))(
  "every line of a complete file once, everything else told, no stall (seed %d)",
  simulate,
  60_000,
);

async function simulate(seed: number): Promise<void> {
  using dir = tempDir();
  chmodSync(dir.path, 0o755);
  const [root, state, aside] = [dir.file("spool"), dir.file("state"), dir.file("aside")];
  for (const folder of [root, state, aside]) mkdirSync(folder);
  chmodSync(state, 0o777);
  const random = seededRandom(seed);
  using spool = new OddSpool(root, aside, random);
  const done = ways[seed % ways.length] ?? "rename";
  const order = seed % 2 === 0 ? "name" : "mtime";
  const config = { path: root, done, order, recursive: true, settle: 15, pollInterval: 10 };
  const did: string[] = [];
  /** Lines that came too late; and those of them that were there when all was quiet the last time. */
  const lateLines = () => spool.put.flatMap(({ late }) => late);
  let lateBefore = new Set<string>();
  /** Written too late just before a kill: what the agent saw of it, and had not stored yet, is gone with it. */
  const unseen = new Set<string>();
  /** An error is told once: of a file that is put aside nothing is known after a restart. */
  let errors = 0;

  /** Until all that can be read was, and the rest is told. */
  const settle = async () => {
    const deadlineMs = performance.now() + stallMs;
    for (;;) {
      const answer = await agent.ask({ ask: "look" });
      check(answer, spool.put, did);
      errors += answer.errors.length;
      const isTold = errors > 0;
      const wrong = whatIsMissing(answer, spool, (line) => isTold || unseen.has(line));
      if (wrong.length === 0) {
        lateBefore = new Set(lateLines());
        return;
      }
      if (performance.now() > deadlineMs) {
        throw new Error(`${done} after ${did.join(", ")}:\n${wrong.join("\n")}\ntold: ${JSON.stringify(answer)}`);
      }
      await Bun.sleep(5);
    }
  };

  await agent.ask({ ask: "begin", config, dataDir: state });
  await settle();
  for (let step = 0; step < changesMax; step++) {
    const isDown = random.next() < 0.3;
    if (isDown && random.next() < 0.5) errors += (await agent.ask({ ask: "stop" })).errors.length;
    else if (isDown) {
      errors += (await agent.ask({ ask: "crash" })).errors.length;
      for (const line of lateLines()) if (!lateBefore.has(line)) unseen.add(line);
    }
    for (let count = isDown ? 1 + Math.floor(random.next() * 3) : 1; count > 0; count--) {
      did.push(`${isDown ? "down: " : ""}${spool.change()}`);
    }
    // Sometimes it is ended in the middle.
    if (isDown) await agent.ask({ ask: "start" });
    if (random.next() < 0.7) await settle();
  }
  spool.openAll();
  did.push("open");
  await settle();
  // What is repeated would come with the next looks.
  await Bun.sleep(60);
  check(await agent.ask({ ask: "stop" }), spool.put, did);
}

/** Nothing twice, nothing that was never put in. */
function check({ lines }: DiscoveryAnswer, put: readonly PutFile[], did: readonly string[]): void {
  const whole = new Set(put.flatMap((file) => [...file.lines, ...file.late]));
  // Written on, and left under another name: in one moment that nobody saw it is another file.
  const forgiven = new Set(
    put.filter((file) => file.linked && file.late.length > 0).flatMap((file) => [...file.lines, ...file.late]),
  );
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const line of lines) {
    if (seen.has(line) && !forgiven.has(line)) wrong.push(`twice: ${line}`);
    // The last line of a file that was written on may have become another.
    if (!whole.has(line) && !/^(?:line \d+ \d+ x*\.)?late \d+$/.test(line)) wrong.push(`never put in: ${line}`);
    seen.add(line);
  }
  expect({ did, wrong }).toEqual({ did, wrong: [] });
}

function whatIsMissing(
  answer: DiscoveryAnswer,
  spool: OddSpool,
  isForgiven: (late: string) => boolean,
): readonly string[] {
  const { lines, leftOut, errors, lostBytes } = answer;
  const arrived = new Set(lines);
  const told = new Set([...leftOut, ...errors].map(({ path }) => path));
  const isTold = (key: string) =>
    told.has(shownPath(key)) || told.has(key) || (key.startsWith("sub/") && told.has("sub"));
  const missing = spool.put.flatMap((file) => {
    if (file.disturbed || isTold(file.key)) return [];
    return file.lines.filter((line) => !arrived.has(line)).map((line) => `not read: ${file.key}: ${line}`);
  });
  const isSaid = (line: string) =>
    [...arrived].some((each) => each.endsWith(line)) || lostBytes > 0 || isForgiven(line);
  const late = spool.put.flatMap((file) =>
    file.removed || isTold(file.key)
      ? []
      : file.late.filter((line) => !isSaid(line)).map((line) => `in silence: ${line}`),
  );
  return [...missing, ...late];
}
