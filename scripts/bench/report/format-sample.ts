import type { BenchCase } from "../cases/case.ts";
import { columns, formatNumber } from "./columns.ts";
import type { Sample } from "./results.ts";

/** One sample as a line of the terminal, while the bench goes on. */
export function formatSample(benchCase: BenchCase, sample: Sample): string {
  const numbers = benchCase.columns.flatMap((name) => {
    const value = sample.metrics[name];
    return value === undefined ? [] : [`${columns[name].title} ${formatNumber(name, value)}`];
  });
  return `  ${sample.subject} (${sample.variant})\n    ${numbers.join(" · ")}`;
}
