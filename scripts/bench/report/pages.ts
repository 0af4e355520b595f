import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tailgate } from "../agents/tailgate.ts";
import { cases } from "../cases/cases.ts";
import { CENTRAL } from "../cases/central.ts";
import { renderPage } from "./render-page.ts";
import type { CaseResult } from "./results.ts";

const root = join(import.meta.dir, "..", "..", "..");

const edgeIntroduction = `This page shows what the edge costs, beside peers that do the same job. All get the same lines (JSON, exactly 200 B each, from a
seed), the same broker, the same harness and the same machine. The edge syncs its channel file before it sends or acknowledges
anything; the row of each peer says what it does. A number is the median of the runs, with the range in brackets.

- CPU is user and system time of the whole process, from \`/proc/PID/stat\`.
- Peak RSS is the kernel's VmHWM. The anonymous part is sampled. The kernel can drop memory that belongs to a file (the binary's own
  pages), but not the anonymous part.
- Disk is the device's written sectors between two syncs. The broker's files and the logs lie in memory, so that nothing
  else writes there.
- Loop lag is how late the event loop runs a timer.
- Lost, repeated, altered and out of order are counted by kcat with CRC checks, line by line against the input file.
- \`M\` is a million, \`B\` a byte. A compressed (or stored) byte is a byte of a record batch as the topic has it.`;

const centralIntroduction = `This page shows what the centre costs, from the topic to rows that can be queried, and how its HTTP interface answers meanwhile. A
number is the median of the runs, with the range in brackets.`;

/** Writes both pages from stored results. */
export function writePages(results: ReadonlyMap<string, CaseResult>): void {
  const pages = [
    { page: "edge", title: "Benchmarks of the edge", introduction: edgeIntroduction, ours: tailgate.name },
    { page: "central", title: "Benchmarks of the centre", introduction: centralIntroduction, ours: CENTRAL },
  ] as const;
  for (const { page, ...options } of pages) {
    const text = renderPage(
      { ...options, product: tailgate.name },
      cases.filter((benchCase) => benchCase.page === page),
      results,
    );
    writeFileSync(join(root, page, "BENCHMARKS.md"), text);
  }
}
