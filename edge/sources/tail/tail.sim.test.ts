/**
 * A writer and a rotator do whatever a seed says while the agent is killed and started at random moments. The checker
 * knows nothing of the agent: every line is there once, in order, unless its only copy was removed before it could be
 * read; and what is missing is at least what was counted as lost.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";
import { SimulatedWriter } from "./simulated-writer.ts";

const seeds = Number(process.env.TAIL_SIM_SEEDS ?? 12);
const first = Number(process.env.TAIL_SIM_FIRST ?? 1);

const patterns = [["a.log", "b.log"], ["*.log"], ["*.log*"]];

test.each(Array.from({ length: seeds }, (_, index) => first + index))(
  "every line once, in order, whatever happens (seed %d)",
  async (seed) => simulate(seed),
  30_000,
);

async function simulate(seed: number): Promise<void> {
  using dir = tempDir();
  const random = seededRandom(seed);
  const pick = (below: number) => Math.floor(random.next() * below);
  const work = new CommittedWork();
  let seen = 0;
  const committed = new Set<string>();
  const isCommitted = (line: string) => {
    for (; seen < work.events.length; seen++) committed.add(work.events[seen]?.body ?? "");
    return committed.has(line);
  };
  const writers = ["a", "b"].map((label) => new SimulatedWriter(dir.file(`${label}.log`), label, random, isCommitted));
  const config = {
    paths: (patterns[seed % patterns.length] ?? []).map((name) => dir.file(name)),
    pollInterval: 30,
    rotateWait: 150,
    openFilesMax: seed % 4 === 0 ? 2 : 512,
    idleClose: seed % 5 === 0 ? 100 : 60_000,
  };
  const start = () =>
    runSource({ definition, config, dataDir: dir.path, work, intake: { commitWhenReady: seed % 2 === 0 } });
  let agent: RunningSource | undefined = start();
  // The first look decides what was there before us: the simulation begins after it is durable.
  await until("the first look", () => agent?.intake.counter("none") === 0 && agent.reports.length >= 2);
  await pause(20);
  agent.intake.commit();

  const actions: [number, (writer: SimulatedWriter) => void | Promise<void>][] = [
    [30, (writer) => writer.append()],
    [8, (writer) => writer.rotateByRename()],
    [8, (writer) => writer.rotateByCopy()],
    [1, (writer) => writer.truncate()],
    [1, (writer) => writer.replace()],
    [4, (writer) => writer.refill()],
    [12, () => pause(pick(40))],
    [8, () => agent?.intake.commit()],
    [3, () => agent?.intake.block()],
    [5, () => agent?.intake.unblock()],
    [
      4,
      async () => {
        if (random.next() < 0.3) await agent?.stop();
        else await agent?.crash();
        agent = undefined;
      },
    ],
    [
      8,
      () => {
        agent ??= start();
      },
    ],
  ];
  const total = actions.reduce((sum, [weight]) => sum + weight, 0);
  for (let step = 0; step < 150; step++) {
    let at = pick(total);
    let chosen = 0;
    while (at >= (actions[chosen]?.[0] ?? 0)) at -= actions[chosen++]?.[0] ?? 0;
    const writer = writers[pick(writers.length)];
    if (writer !== undefined) await actions[chosen]?.[1](writer);
  }

  agent ??= start();
  const last = agent;
  last.intake.unblock();
  for (const writer of writers) writer.close();
  try {
    await until(
      "all lines",
      () => {
        last.intake.commit();
        return writers.flatMap((writer) =>
          [...writer.lines, ...writer.lateLines].filter((line) => !isCommitted(line) && !writer.mayBeLost.has(line)),
        );
      },
      (missing) => missing.length === 0,
      { withinMs: 3_000 },
    );
    await pause(100);
    last.intake.commit();
  } finally {
    await last.stop();
  }

  let lostBytes = 0;
  for (const [index, writer] of writers.entries()) {
    const own = work.lines.filter((line) => line.startsWith(`${"ab"[index]} `));
    const arrived = new Set(own);
    const late = new Set(work.lines.filter((line) => line.startsWith(`${"ab"[index]}late `)));
    const missing = [
      ...writer.lines.filter((line) => !arrived.has(line)),
      ...writer.lateLines.filter((line) => !late.has(line)),
    ];
    expect(own).toEqual(writer.lines.filter((line) => arrived.has(line)));
    for (const line of missing) expect(writer.mayBeLost).toContain(line);
    lostBytes += missing.reduce((sum, line) => sum + line.length + 1, 0);
  }
  const written = writers.flatMap(({ lines, lateLines }) => [...lines, ...lateLines]);
  expect(work.lines.length).toBe(written.filter(isCommitted).length);
  expect(work.counter("lost_at_source")).toBeLessThanOrEqual(lostBytes);
}

/** Lets the agent run for a moment; how far it gets is chance, and must not matter. */
function pause(ms: number): Promise<void> {
  return Bun.sleep(ms);
}
