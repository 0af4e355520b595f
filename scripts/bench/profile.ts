/**
 * Where the CPU goes, as text: runs each case from source under JavaScript's profiler, and as it is shipped under perf
 * and strace where they are on the machine, and writes the tables into `edge/PROFILES.md` and `central/PROFILES.md`
 * between their markers. What is written around them is written by hand.
 *
 *     bun scripts/bench/profile.ts [--lines N] [--seconds N] [CASE…]
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { Bench } from "./bench.ts";
import { parseOptions } from "./options.ts";
import { centralProfileCase } from "./profile/central-case.ts";
import { edgeProfileCases } from "./profile/edge-case.ts";
import { floorRows, renderFloor } from "./profile/floor.ts";
import { hasPerf, perfWatch } from "./profile/perf.ts";
import type { ProfileCase } from "./profile/profile-case.ts";
import { type Findings, type Provenance, renderCase, writeGenerated } from "./profile/render.ts";
import { root } from "./profile/source-agent.ts";
import { hasStrace, straceWatch } from "./profile/strace.ts";
import { describeMachine } from "./report/machine.ts";

const floor = "floor";
const all: readonly ProfileCase[] = [...edgeProfileCases, centralProfileCase];

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

try {
  await main(process.argv.slice(2));
} catch (thrown) {
  console.error(`profile: ${messageOf(thrown)}`);
  process.exitCode = 1;
}

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { lines: { type: "string", default: "1000000" }, seconds: { type: "string", default: "30" } },
    allowPositionals: true,
  });
  const known = [...all.map(({ name }) => name), floor];
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new AppError("USAGE", `there is no case ${unknown.join(", ")}; known: ${known.join(", ")}`);
  const chosen = (name: string) => positionals.length === 0 || positionals.includes(name);
  const given = ["--lines", values.lines, "--seconds", values.seconds, "--peers", "none"];
  await using bench = await Bench.open(parseOptions(given, [], []), (text) => console.error(`  ${text}`));
  const from: Provenance = {
    command: ["bun scripts/bench/profile.ts", ...argv].join(" "),
    at: new Date(systemClock.now()).toISOString(),
    machine: await describeMachine(bench),
  };
  if (chosen(floor)) {
    writeGenerated(pageOf("edge"), floor, renderFloor(await floorRows(bench), from));
  }
  for (const profileCase of all.filter(({ name }) => chosen(name))) {
    console.error(`${profileCase.title}`);
    writeGenerated(
      pageOf(profileCase.page),
      profileCase.name,
      renderCase(profileCase, await find(bench, profileCase), from),
    );
  }
}

async function find(bench: Bench, profileCase: ProfileCase): Promise<Findings> {
  const directory = join(bench.place.fast, "watches");
  mkdirSync(directory, { recursive: true });
  return {
    source: await profileCase.runFromSource(bench),
    split: hasPerf() ? await profileCase.runAsShipped(bench, perfWatch(directory)) : undefined,
    calls: hasStrace() ? await profileCase.runAsShipped(bench, straceWatch(directory)) : undefined,
  };
}

function pageOf(page: "edge" | "central"): string {
  return join(root, page, "PROFILES.md");
}
