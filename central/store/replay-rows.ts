/** How a replay stands in a table: its parts that are no columns are texts, the same in every store. */
import type { ReplayCounts, ReplayJob, ReplayPartition, ReplayWords } from "./replay-port.ts";

/** A row of a replay, its texts decoded. */
export type ReplayColumns = Omit<ReplayJob, "definition" | "endedAtMs" | "partitions" | keyof ReplayWords> & {
  readonly definition: string;
  readonly endedAtMs: number | null;
  readonly words: string;
};

/** As everybody else knows it. */
export function replayOf(
  { definition, words, endedAtMs, ...row }: ReplayColumns,
  partitions: readonly ReplayPartition[],
): ReplayJob {
  return {
    ...row,
    definition: JSON.parse(definition),
    endedAtMs: endedAtMs ?? undefined,
    partitions,
    ...onlyWords(JSON.parse(words)),
  };
}

/** What its runner says of it, as it is stored. */
export function wordsText(words: ReplayWords): string {
  return JSON.stringify(onlyWords(words));
}

/** Counts of a partition, as they are stored. */
export function countsOf(text: string): ReplayCounts {
  return JSON.parse(text);
}

function onlyWords({ gone, notes, trouble, error, recordsPerSecond }: ReplayWords): ReplayWords {
  return { gone, notes, trouble, error, recordsPerSecond };
}
