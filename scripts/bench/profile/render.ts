import { readFileSync, writeFileSync } from "node:fs";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { SelfTime } from "./cpu-profile.ts";
import { partOf, type Share, sharesBy } from "./parts.ts";
import type { Split } from "./perf.ts";
import type { ProfileCase, Run } from "./profile-case.ts";
import type { Calls } from "./strace.ts";

/** All that was found about a case. A tool that is not on the machine has found nothing. */
export interface Findings {
  readonly source: Run & { readonly times: readonly SelfTime[] };
  readonly split: (Run & { readonly found: Split }) | undefined;
  readonly calls: (Run & { readonly found: readonly Calls[] }) | undefined;
}

/** Where it was found, and how. */
export interface Provenance {
  readonly command: string;
  readonly at: string;
  readonly machine: Readonly<Record<string, string>>;
}

const functionsMax = 15;
const callsMax = 12;
/** What decides durability is shown however rare it is. */
const shownAlways = /^f?(data)?sync/;

/** The tables of a case as Markdown. */
export function renderCase({ title, method }: ProfileCase, found: Findings, from: Provenance): string {
  const { source, split, calls } = found;
  const samples = source.times.reduce((sum, time) => sum + time.samples, 0);
  const lines = source.lines.toLocaleString("en");
  const machine = Object.entries(from.machine).map(([name, value]) => `${name}: ${value}`);
  const paragraphs = [
    `### ${title}`,
    `${method} ${lines} lines.`,
    `JavaScript thread by part, from source (${samples} samples; under the profiler ${costOf(source)}):`,
    shareTable("part", sharesBy(source.times, partOf)),
    "By function, own time:",
    shareTable("function", sharesBy(source.times, nameOf).slice(0, functionsMax)),
  ];
  if (split !== undefined) {
    paragraphs.push(
      `All threads as shipped, by what the CPU was in (${costOf(split)}):`,
      shareTable("in", split.found.objects),
      "By thread:",
      shareTable("thread", split.found.threads),
      "By function of the kernel:",
      shareTable("function", split.found.kernel.slice(0, 8), 0.005),
    );
  }
  if (calls !== undefined) paragraphs.push(callsIntroduction(calls), callsTable(calls));
  paragraphs.push(`\`${from.command}\` · ${from.at.slice(0, 16).replace("T", " ")} UTC`);
  paragraphs.push(`<sub>${machine.join(" · ")}</sub>`);
  return paragraphs.join("\n\n");
}

/**
 * Puts text between a page's markers `<!-- generated: NAME -->` and `<!-- end: NAME -->`; the rest is written by hand.
 *
 * @throws AppError `BENCH_FAILED` when the page has no such markers.
 */
export function replaceGenerated(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new AppError("BENCH_FAILED", `write the profile ${name}: the page has no ${begin}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

/** The same in a file. */
export function writeGenerated(path: string, name: string, text: string): void {
  writeFileSync(path, replaceGenerated(readFileSync(path, "utf8"), name, text));
}

/** Lines below which a cost is the price of time passing, not of lines. */
const pacedLinesMax = 100_000;

function costOf({ cpuSeconds, lines, seconds }: Run): string {
  const cost = `${cpuSeconds.toFixed(2)} CPU s`;
  if (lines < pacedLinesMax) return `${cost}, ${((cpuSeconds / seconds) * 100).toFixed(1)} % of a core`;
  return `${cost}, ${((cpuSeconds * 1e6) / lines).toFixed(2)} per million lines`;
}

function nameOf({ name, file, native }: SelfTime): string {
  const short = file.replace(/^.*\/(?=(edge|central|shared|node_modules)\/)/, "").replace(/^node_modules\//, "");
  const text = `\`${name}\`${short === "" ? "" : ` ${short}`}`;
  return native ? `${text} (native${short === "" ? "" : ", called there"})` : text;
}

function shareTable(what: string, shares: readonly Share[], least = 0.01): string {
  const shown = shares.filter(({ share }) => share >= least);
  const rows = shown.map(({ what: cell, share }) => `| ${cell} | ${(share * 100).toFixed(1)} % |`);
  return [`| ${what} | share |`, "| --- | ---: |", ...rows].join("\n");
}

/** Calls are shown a commit where there were enough commits for that to mean something. */
const commitsMin = 10;

function callsIntroduction({ commits }: Run): string {
  const over = commits === undefined ? "" : `; over ${commits} commits`;
  return `System calls of all threads as shipped (strace, which slows the process${over}):`;
}

function callsTable({ found, commits = 0, lines }: Run & { readonly found: readonly Calls[] }): string {
  const all = found.reduce((sum, { count }) => sum + count, 0);
  const shown = found.filter(({ call }, at) => at < callsMax || shownAlways.test(call));
  const rows = [{ call: "all", count: all }, ...shown].map(({ call, count }) => {
    const perCommit = commits < commitsMin ? "" : ` ${(count / commits).toFixed(2)} |`;
    return `| ${call} | ${count.toLocaleString("en")} | ${((count * 1000) / lines).toFixed(2)} |${perCommit}`;
  });
  const more = commits < commitsMin ? ["", ""] : [" a commit |", " ---: |"];
  return [`| call | calls | per 1,000 lines |${more[0]}`, `| --- | ---: | ---: |${more[1]}`, ...rows].join("\n");
}
