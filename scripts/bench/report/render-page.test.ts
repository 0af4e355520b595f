import { describe, expect, test } from "bun:test";
import type { BenchCase } from "../cases/case.ts";
import { renderPage } from "./render-page.ts";
import type { CaseResult, Sample } from "./results.ts";
import { checkTargets, summarize } from "./summary.ts";

const benchCase: BenchCase = {
  name: "throughput",
  title: "Throughput",
  about: "",
  method: "As fast as it goes.",
  page: "edge",
  size: "ordinary",
  peers: true,
  rows: "median",
  columns: ["cpuPerMillion", "linesPerSecond", "lost", "diskPerStored"],
  targets: [
    { variant: "default", column: "cpuPerMillion", atMost: 1 },
    { variant: "default", column: "linesPerSecond", atLeast: 600_000 },
    { variant: "default", column: "lost", atMost: 0 },
  ],
  async *run() {},
};

const ours = (cpuPerMillion: number, linesPerSecond: number, lost = 0): Sample => ({
  subject: "Tailgate",
  variant: "default",
  metrics: { cpuPerMillion, linesPerSecond, lost },
});
const peer: Sample = {
  subject: "Flume",
  variant: "file channel",
  metrics: { cpuPerMillion: 29, linesPerSecond: 44_000 },
};

const result = (...samples: Sample[]): CaseResult => ({
  case: "throughput",
  at: "2026-11-21T10:11:12.000Z",
  command: "npm run bench -- --case throughput",
  machine: { CPU: "2 × test" },
  versions: { Tailgate: "0.1.0", Flume: "1.11.0" },
  unavailable: [{ subject: "rsyslog", reason: "no root\nand no apt-get" }],
  samples,
});
const render = (...samples: Sample[]) =>
  renderPage(
    { title: "T", introduction: "I", ours: "Tailgate", product: "Tailgate" },
    [benchCase],
    new Map([["throughput", result(...samples)]]),
  );

describe("the page", () => {
  test("shows medians with their range, peers with their ratio, and who could not take part", () => {
    const page = render(ours(0.9, 700_000), ours(0.8, 900_000), ours(1.5, 800_000), peer);
    expect(page).toContain("| Tailgate | default | 0.90 (0.80–1.50) | 800,000 (700,000–900,000) | 0 |  |");
    expect(page).toContain("| Flume | file channel | 29.00 | 44,000 |  | 32.2 × |");
    expect(page).toContain("- rsyslog could not take part: no root and no apt-get");
    expect(page).toContain(
      "`npm run bench -- --case throughput` · 2026-11-21 10:11 UTC · Tailgate 0.1.0 · Flume 1.11.0",
    );
  });

  test("where no peer is asked to run, none is missing, and none has a version", () => {
    const page = renderPage(
      { title: "T", introduction: "I", ours: "Tailgate central", product: "Tailgate" },
      [{ ...benchCase, peers: false }],
      new Map([["throughput", result(ours(1, 1))]]),
    );
    expect(page).not.toContain("could not take part");
    expect(page).toContain("10:11 UTC · Tailgate 0.1.0\n");
  });

  test("leaves out a column that nobody has a number for", () => {
    expect(render(ours(1, 1))).not.toContain("disk written per compressed byte");
  });

  test("leads to the note that explains it", () => {
    expect(render(ours(1, 1))).toContain("[0013](../shared/decisions/0013-what-was-tried-for-speed.md)");
  });

  test("says which cases were not measured", () => {
    const page = renderPage(
      { title: "T", introduction: "I", ours: "Tailgate", product: "Tailgate" },
      [benchCase],
      new Map(),
    );
    expect(page).toContain("## Not measured here\n\n`throughput`");
  });

  test("a target is held by the median and missed by it", () => {
    expect(render(ours(0.9, 700_000))).toContain("| ≤ 1.00 | 0.90 | held |");
    expect(render(ours(1.1, 700_000))).toContain("| ≤ 1.00 | 1.10 | **missed** |");
    expect(render(ours(0.9, 500_000))).toContain("| ≥ 600,000 | 500,000 | **missed** |");
  });
});

test("one run that lost a line misses the target, whatever the median says", () => {
  const checks = checkTargets(benchCase, summarize(result(ours(1, 1), ours(1, 1), ours(1, 1, 7))), "Tailgate");
  expect(checks.find(({ target }) => target.column === "lost")?.held).toBe(false);
});
