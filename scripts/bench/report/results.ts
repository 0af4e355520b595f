import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** One run of one subject. */
export const Sample = z.strictObject({
  /** Who was measured, as the pages show it. */
  subject: z.string(),
  /** What was asked of it; runs of the same subject and variant are put together. */
  variant: z.string(),
  /** Numbers by the names of `columns.ts`. */
  metrics: z.record(z.string(), z.number()),
});

const Unavailable = z.strictObject({ subject: z.string(), reason: z.string() });

const CaseResult = z.strictObject({
  case: z.string(),
  /** ISO time of the end of the case. */
  at: z.string(),
  command: z.string(),
  machine: z.record(z.string(), z.string()),
  versions: z.record(z.string(), z.string()),
  unavailable: z.array(Unavailable),
  samples: z.array(Sample),
});

export type Sample = z.output<typeof Sample>;
/** A subject that could not take part, and why: shown on the page, never left out in silence. */
export type Unavailable = z.output<typeof Unavailable>;
/** All runs of a case. */
export type CaseResult = z.output<typeof CaseResult>;

/** Results are kept one file a case, so that a case can be run again alone and the pages rendered from all of them. */
export class ResultStore {
  constructor(private readonly directory: string) {}

  save(result: CaseResult): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(join(this.directory, `${result.case}.json`), `${JSON.stringify(result, null, 1)}\n`);
  }

  /** Of every case that was ever run here, by its name. @throws ZodError when a file was tampered with. */
  load(): ReadonlyMap<string, CaseResult> {
    const results = new Map<string, CaseResult>();
    if (!existsSync(this.directory)) return results;
    for (const name of readdirSync(this.directory).filter((file) => file.endsWith(".json"))) {
      const result = CaseResult.parse(JSON.parse(readFileSync(join(this.directory, name), "utf8")));
      results.set(result.case, result);
    }
    return results;
  }
}
