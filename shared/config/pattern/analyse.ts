/**
 * The complete analysis of a pattern, by recheck's pure JavaScript build. It takes a tenth of a second and 100 MB, and
 * its 3 MB of source would cost every start 20 ms if it were part of the bundle: so it travels as a file beside it,
 * and `ask-analysis.ts` has it done in a process of its own.
 */
import { readFileSync } from "node:fs";
import recheckPath from "recheck/lib/browser.js" with { type: "file" };
import { z } from "zod";
import { AppError } from "../../errors/app-error.ts";

/** What the analysis found. */
export const Analysis = z.object({
  status: z.enum(["safe", "vulnerable", "unknown"]),
  /** `linear`, `2nd degree polynomial`, `exponential`, or why it is not known. */
  detail: z.string(),
});
export type Analysis = z.output<typeof Analysis>;

const Diagnostics = z.object({
  status: Analysis.shape.status,
  complexity: z.object({ summary: z.string() }).optional(),
  error: z.object({ kind: z.string() }).optional(),
});

const timeoutMs = 2_000;

/** Analyses here, in this process. A pattern it cannot finish in time is `unknown`. */
export function analyse(source: string, flags: string): Analysis {
  const found = Diagnostics.parse(loadRecheck()(source, flags, { timeout: timeoutMs }));
  return { status: found.status, detail: found.complexity?.summary ?? found.error?.kind ?? "not known" };
}

type CheckSync = (source: string, flags: string, options: { timeout: number }) => unknown;

function loadRecheck(): CheckSync {
  // CommonJS in a file of an ES module package: `import()` would refuse it.
  const exported: { exports: { checkSync?: CheckSync } } = { exports: {} };
  new Function("module", "exports", readFileSync(recheckPath, "utf8"))(exported, exported.exports);
  const { checkSync } = exported.exports;
  if (checkSync === undefined)
    throw new AppError("INVARIANT", `load recheck from ${recheckPath}: it exports no checkSync`);
  return checkSync;
}

if (import.meta.main) console.log(JSON.stringify(analyse(process.argv[2] ?? "", process.argv[3] ?? "")));
