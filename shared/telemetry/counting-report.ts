import type { Report, Signal } from "./log.ts";
import type { Counter, Labels, Metrics } from "./metrics.ts";

/** What a component's report is made from. */
export interface CountingOptions {
  readonly report: Report;
  readonly metrics: Metrics;
  /** Of every series: whose it is. */
  readonly labels: Labels;
  /** Adds to the books of a stream or a lane, for signals that say `counts: { book }`. */
  readonly book?: (name: string, amount: number) => void;
}

/**
 * A report that logs, and counts what its signal says is counted: a fact that is logged and counted is one declaration and
 * one call. Counted are all reports, also those whose line the log leaves out. The counters are there from now on, at zero.
 */
export function countingReport(signals: Readonly<Record<string, Signal>>, options: CountingOptions): Report {
  const { report, metrics, labels, book } = options;
  const counters = new Map<Signal, Counter>();
  for (const signal of Object.values(signals)) {
    if (signal.counts === undefined || !("metric" in signal.counts)) continue;
    counters.set(signal, metrics.counter(signal.counts.metric, signal.counts.help, labels));
  }
  return (signal, fields = {}) => {
    const { counts } = signal;
    if (counts !== undefined) {
      const by = counts.by === undefined ? 1 : fields[counts.by];
      const amount = typeof by === "number" ? by : 0;
      counters.get(signal)?.add(amount);
      if ("book" in counts) book?.(counts.book, amount);
    }
    report(signal, fields);
  };
}
