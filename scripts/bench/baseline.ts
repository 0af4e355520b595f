import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const path = join(import.meta.dir, "baseline.json");

/** What the smoke measures, each as a ratio to the calibration of the same run. */
export const measures = ["throughputCpu", "interceptorsCpu", "lowRateCpu", "manyFilesCpu"] as const;

/** The name of one of them. */
export type Measure = (typeof measures)[number];

const Baseline = z.partialRecord(z.enum(measures), z.number().positive());

/** Ratios that were once recorded; those never recorded are missing. */
export type Baseline = z.output<typeof Baseline>;

/** A ratio may be this many times the recorded one: noise never reaches it, a lost fast path does. */
export const GROSS_LOSS = 3;

/** What became of one measure. */
export interface Comparison {
  readonly measure: Measure;
  readonly ratio: number;
  readonly recorded: number | undefined;
  readonly passed: boolean;
}

/** Reads the stored ratios. @throws ZodError when the file was damaged by hand. */
export function loadBaseline(): Baseline {
  return Baseline.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** Stores ratios for the runs to come; rounded, so that a change of the file means something. */
export function saveBaseline(ratios: Readonly<Record<Measure, number>>): void {
  const rounded = Object.fromEntries(measures.map((measure) => [measure, Number(ratios[measure].toPrecision(3))]));
  writeFileSync(path, `${JSON.stringify(rounded, null, 2)}\n`);
}

/** Holds measured ratios to the stored ones. A measure without a stored ratio fails: a check that checks nothing would lie. */
export function compare(ratios: Readonly<Record<Measure, number>>, baseline: Baseline): readonly Comparison[] {
  return measures.map((measure) => {
    const recorded = baseline[measure];
    const ratio = ratios[measure];
    return { measure, ratio, recorded, passed: recorded !== undefined && ratio <= recorded * GROSS_LOSS };
  });
}
