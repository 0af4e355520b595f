import type { Flow } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import type { ColumnName } from "../report/columns.ts";
import type { Sample } from "../report/results.ts";

/** A number to hold (DESIGN section 8). */
export interface Target {
  /** The variant of ours that it is about. */
  readonly variant: string;
  readonly column: ColumnName;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** One thing that is measured. Add a case: a file here, and a line in `cases.ts`. */
export interface BenchCase {
  /** As `--case` takes it. */
  readonly name: string;
  readonly title: string;
  /** One line for `--help`. */
  readonly about: string;
  /** What was done, for the page, in a few sentences. */
  readonly method: string;
  /** The page it goes on. */
  readonly page: "edge" | "central";
  /** Whether it runs without being asked for by `--big` or `--soak`. */
  readonly size: "ordinary" | "big" | "soak";
  /** Whether peers do it beside ours; if not, none is missing from its table. */
  readonly peers: boolean;
  /** Of the table, in order. */
  readonly columns: readonly ColumnName[];
  /** Whether rows are runs to be put together, or samples of one run to be listed. */
  readonly rows: "median" | "series";
  readonly targets: readonly Target[];
  /** Measures, one sample at a time. A sample that fails is thrown, with what its agent said. */
  run(bench: Bench): AsyncIterable<Sample>;
}

/** How ours is shipped by default. */
export const defaultFlow: Flow = {
  compression: "zstd",
  identity: true,
  interceptors: false,
  partition: "agent",
};
