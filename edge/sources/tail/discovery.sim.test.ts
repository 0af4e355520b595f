/**
 * Discovery against a model: trees of whatever a file system may hold (folders, links, circles, hard links, FIFOs,
 * sockets, names in any bytes) whose permissions come and go and whose files are replaced, beside a naive reader that
 * may read everything. Every line that the agent's user can read is read once; of everything else that the pattern
 * matches it is said that it is left out; nothing is ever waited for. The agent is another user where the test is root,
 * or no permission would ever be missing.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { folderOf, shownPath } from "../../../shared/files/path-text.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { OtherUsersAgent } from "../../testing/fakes/other-users-agent.ts";
import type { DiscoveryAnswer, DiscoveryRequest } from "../../testing/fakes/source-process.ts";
import { isTold, readNaively } from "./testing/naive-reader.ts";
import { OddTree } from "./testing/odd-tree.ts";

const seeds = Number(process.env.TAIL_SIM_SEEDS ?? 40);
const first = Number(process.env.TAIL_SIM_FIRST ?? 1);
const changesMax = 10;
const stallMs = 20_000;

const patterns = [
  { written: "**/*.log", meant: /^(?:[^/]+\/)*[^/]*\.log$/s },
  { written: "*/*.log", meant: /^[^/]+\/[^/]*\.log$/s },
  { written: "*.log", meant: /^[^/]*\.log$/s },
  { written: "a/x.log", meant: /^a\/x\.log$/s },
  { written: "{a,b}/**/?.log", meant: /^[ab]\/(?:[^/]+\/)*[^/]\.log$/s },
  { written: "**", meant: /^/s },
] as const;

let agent: OtherUsersAgent;
beforeAll(async () => {
  agent = new OtherUsersAgent("tail", stallMs);
  await agent.ready;
});
afterAll(() => agent.kill());

test.each(Array.from({ length: seeds }, (_, index) => first + index))(
  "every readable line once, everything unreadable told, no stall (seed %d)",
  simulate,
  60_000,
);

async function simulate(seed: number): Promise<void> {
  using dir = tempDir();
  chmodSync(dir.path, 0o755);
  const [root, state] = [dir.file("tree"), dir.file("state")];
  for (const folder of [root, state]) mkdirSync(folder);
  chmodSync(state, 0o777);
  const random = seededRandom(seed);
  using tree = new OddTree(root, random);
  const pattern = patterns[seed % patterns.length] ?? patterns[0];
  const config = { paths: join(root, pattern.written), pollInterval: 20, rotateWait: 40, idleClose: 100 };
  const did: string[] = [];
  /** Lines that were readable when all was quiet, and lines that the pattern ever matched. */
  const due = new Set<string>();
  const allowed = new Set<string>();
  const ask = async (request: DiscoveryRequest) => checkLines(await agent.ask(request), { allowed, forgiven, did });
  const asked = new Set<number | string>();
  const matched = () => {
    const found = readNaively(root, pattern.meant);
    for (const { inode, real } of found) asked.add(inode).add(real);
    // A file that was asked for is followed under whatever name it has later; its generations are asked for with it.
    for (const { inode, real, lines = [] } of readNaively(root, /^/)) {
      if (asked.has(inode) || asked.has(real.replace(/\.\d+$/, ""))) for (const line of lines) allowed.add(line);
    }
    return found;
  };

  /**
   * Lines of files that nobody can know where they are: in folders that the pattern does not mean, under names that it does not
   * mean, or in folders that the agent could never list. Asked for again they are new, for they were forgotten.
   */
  const forgiven = new Set<string>();
  const everListed = new Set<string>();
  const forgive = () => {
    const isMeant = (path: string) => pattern.meant.test(path.slice(root.length + 1));
    const isNamed = (path: string) => isMeant(path) || isMeant(path.replace(/\.\d+$/, ""));
    const all = readNaively(root, /^/);
    for (const { real, isOpen } of all) if (isOpen) everListed.add(folderOf(real));
    for (const names of Map.groupBy(all, ({ inode }) => inode).values()) {
      const isInSight = names.some(({ real }) => isNamed(real) && everListed.has(folderOf(real)));
      for (const { real, lines = [] } of names) {
        if (isInSight && isMeant(`${folderOf(real)}/x.log`)) continue;
        for (const line of lines) forgiven.add(line);
      }
    }
  };

  const settle = async () => {
    const found = matched();
    for (const { isOpen, lines = [] } of found) if (isOpen) for (const line of lines) due.add(line);
    // It may be told by any of the ways that lead to it, also by one that the pattern does not mean.
    const waysTo = Map.groupBy(readNaively(root, /^/), ({ inode }) => inode);
    const deadlineMs = performance.now() + stallMs;
    for (;;) {
      const answer = await ask({ ask: "look" });
      const arrived = new Set(answer.lines);
      const told = new Set(answer.leftOut.map(({ path }) => path));
      const wrong = [
        ...[...due].filter((line) => !arrived.has(line)).map((line) => `not read: ${line}`),
        ...found.flatMap((each) => {
          if (each.isOpen && each.lines !== undefined) {
            return told.has(shownPath(each.path)) ? [`read, and told as left out: ${shownPath(each.path)}`] : [];
          }
          const isRead = each.lines?.every((line) => arrived.has(line)) === true;
          return isRead || isTold(waysTo.get(each.inode) ?? [], told, shownPath)
            ? []
            : [`neither read nor told: ${shownPath(each.path)}`];
        }),
      ];
      if (wrong.length === 0) return forgive();
      if (performance.now() > deadlineMs) {
        throw new Error(
          `${pattern.written} after ${did.join(", ")}:\n${wrong.join("\n")}\ntold: ${JSON.stringify(answer.leftOut)}`,
        );
      }
      await Bun.sleep(5);
    }
  };

  await agent.ask({ ask: "begin", config, dataDir: state });
  await settle();
  for (let step = 0; step < changesMax; step++) {
    const isDown = random.next() < 0.25;
    if (isDown) await ask({ ask: random.next() < 0.5 ? "stop" : "crash" });
    for (let count = isDown ? 1 + Math.floor(random.next() * 3) : 1; count > 0; count--) {
      did.push(`${isDown ? "down: " : ""}${tree.change()}`);
      matched();
    }
    if (isDown) await ask({ ask: "start" });
    await settle();
  }
  // What is repeated would come with the next looks.
  await Bun.sleep(60);
  await ask({ ask: "stop" });
}

interface Expected {
  readonly allowed: ReadonlySet<string>;
  readonly forgiven: ReadonlySet<string>;
  readonly did: readonly string[];
}

function checkLines(answer: DiscoveryAnswer, { allowed, forgiven, did }: Expected): DiscoveryAnswer {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const line of answer.lines) {
    if (seen.has(line) && !forgiven.has(line)) wrong.push(`twice: ${line}`);
    if (!allowed.has(line)) wrong.push(`never asked for: ${line}`);
    seen.add(line);
  }
  expect({ did, wrong }).toEqual({ did, wrong: [] });
  return answer;
}
