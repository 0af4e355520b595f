import type { BenchCase } from "./case.ts";
import { throughput } from "./throughput.ts";

/** Every case, in the order in which they run and stand on the pages. */
export const cases: readonly BenchCase[] = [throughput];
