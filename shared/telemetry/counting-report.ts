import type { Fields, Report, Signal } from "./log.ts";
import type { Counter, Labels, Metrics } from "./metrics.ts";

/** Adds to the books of a stream, a lane or a process. */
export type AddToBooks = (name: string, amount: number) => void;

/** What a component's report is made from. */
export interface CountingOptions {
  readonly report: Report;
  readonly metrics: Metrics;
  /** Of every series: whose it is. */
  readonly labels: Labels;
  /** Where signals that say `counts: { book }` are added. Without it a `bookedReport` around this report does that. */
  readonly book?: AddToBooks;
}

/**
 * A report that logs, and counts what its signal says is counted: a fact that is logged and counted is one declaration and
 * one call. Counted are all reports, also those whose line the log leaves out. The counters are there from now on, at zero.
 */
export function countingReport(signals: Readonly<Record<string, Signal>>, options: CountingOptions): Report {
  const { metrics, labels, book } = options;
  const report = book === undefined ? options.report : bookedReport(options.report, book);
  const counters = new Map<Signal, Counter>();
  for (const signal of Object.values(signals)) {
    if (signal.counts === undefined || !("metric" in signal.counts)) continue;
    const { metric, help, labels: own } = signal.counts;
    counters.set(signal, metrics.counter(metric, help, own === undefined ? labels : { ...labels, ...own }));
  }
  return (signal, fields = {}) => {
    counters.get(signal)?.add(amountOf(signal, fields));
    report(signal, fields);
  };
}

/** As `report`, and what a signal counts in books goes into this one: where each lane or stream has its own. */
export function bookedReport(report: Report, book: AddToBooks): Report {
  return (signal, fields = {}) => {
    if (signal.counts?.book !== undefined) book(signal.counts.book, amountOf(signal, fields));
    report(signal, fields);
  };
}

function amountOf({ counts }: Signal, fields: Fields): number {
  if (counts?.by === undefined) return 1;
  const amount = fields[counts.by];
  return typeof amount === "number" ? amount : 0;
}
