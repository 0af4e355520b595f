import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../clock/clock.ts";
import { countingReport } from "./counting-report.ts";
import { createLog, defineSignal } from "./log.ts";
import { Metrics } from "./metrics.ts";

const lost = defineSignal({ name: "sink_lost", level: "warn", message: "Lost the broker", atMostEveryMs: 1_000 });

describe("the log", () => {
  test("writes a line a person can read, fields behind the sentence", () => {
    const lines: string[] = [];
    const report = createLog({
      level: "info",
      format: "text",
      clock: new VirtualClock(0),
      write: (l) => lines.push(l),
    });
    report(lost, { component: "kafka", error: 'no "route"', none: undefined });
    expect(lines).toEqual([
      '1970-01-01T00:00:00.000Z WARN  Lost the broker component=kafka error="no \\"route\\"" [sink_lost]',
    ]);
  });

  test("leaves out what comes too often, per component, and says how much", () => {
    const lines: string[] = [];
    const clock = new VirtualClock(0);
    const report = createLog({ level: "info", format: "json", clock, write: (l) => lines.push(l) });
    for (let times = 0; times < 5; times++) report(lost, { component: "a" });
    report(lost, { component: "b" });
    clock.advance(1_000);
    report(lost, { component: "a" });
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { component: "a", signal: "sink_lost", level: "warn" },
      { component: "b" },
      { component: "a", leftOut: 4 },
    ]);
  });

  test("is silent below its level", () => {
    const lines: string[] = [];
    const report = createLog({
      level: "error",
      format: "text",
      clock: new VirtualClock(),
      write: (l) => lines.push(l),
    });
    report(lost);
    expect(lines).toEqual([]);
  });
});

describe("metrics", () => {
  test("render as Prometheus reads them", () => {
    const metrics = new Metrics();
    metrics.counter("b_total", "Bs.", { sink: 'a"b' }).add(2);
    metrics.counter("b_total", "Bs.", { sink: 'a"b' }).add(3);
    let held = 7;
    metrics.observe("a_held", "Held now.", {}, () => held);
    held = 8;
    expect(metrics.render()).toBe(
      '# HELP a_held Held now.\n# TYPE a_held gauge\na_held 8\n# HELP b_total Bs.\n# TYPE b_total counter\nb_total{sink="a\\"b"} 5\n',
    );
  });
});

describe("a report that counts", () => {
  const signals = {
    cut: defineSignal({
      name: "sink_cut",
      level: "debug",
      message: "Cut a batch",
      counts: { metric: "tailgate_cuts_total", help: "Batches cut." },
    }),
    gone: defineSignal({ name: "source_gone", level: "warn", message: "Gone", counts: { book: "gone", by: "bytes" } }),
    plain: defineSignal({ name: "sink_plain", level: "info", message: "Plain" }),
  };

  test("logs and counts by one declaration, from zero on, and also what the log leaves out", () => {
    const metrics = new Metrics();
    const lines: string[] = [];
    const booked: string[] = [];
    const log = createLog({ level: "info", format: "text", clock: new VirtualClock(0), write: (l) => lines.push(l) });
    const book = (name: string, amount: number) => booked.push(`${name} ${amount}`);
    const report = countingReport(signals, { report: log, metrics, labels: { sink: "a" }, book });
    expect(metrics.render()).toContain('tailgate_cuts_total{sink="a"} 0\n');
    report(signals.cut);
    report(signals.cut);
    report(signals.gone, { bytes: 7 });
    report(signals.plain);
    expect(metrics.render()).toContain('tailgate_cuts_total{sink="a"} 2\n');
    expect(booked).toEqual(["gone 7"]);
    expect(lines.length).toBe(2);
  });
});
