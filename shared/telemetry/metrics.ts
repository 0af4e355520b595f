/**
 * Counters and gauges, and the page Prometheus reads (text exposition format 0.0.4).
 *
 * A metric is declared once with its help text; a label set is one series. Gauges that mirror other state are read
 * when the page is asked for, so that nothing is kept up to date for nobody.
 */
export type Labels = Readonly<Record<string, string>>;

/** A number that only grows. */
export interface Counter {
  add(amount: number): void;
  readonly value: number;
}

/** What the page says of a metric. */
export interface MetricWords {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
}

interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly series: Map<string, () => number>;
  readonly counters: Map<string, CounterCell>;
  /** Series that are only known when the page is asked for. */
  gather?: () => Iterable<readonly [Labels, number]>;
}

class CounterCell implements Counter {
  value = 0;
  add(amount: number): void {
    this.value += amount;
  }
}

/** All metrics of one process, or of one part of it that may end before the process does. */
export class Metrics {
  private readonly families = new Map<string, Family>();
  private readonly parts = new Set<Metrics>();

  /** Metrics of a part: on the page with the others, until the part ends and takes its series with it. */
  part(): Metrics {
    const part = new Metrics();
    this.parts.add(part);
    return part;
  }

  /** The part has ended. */
  drop(part: Metrics): void {
    this.parts.delete(part);
  }

  /** A counter of this name and label set; the same one for the same question. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    const family = this.family(name, help, "counter");
    const key = renderLabels(labels);
    let cell = family.counters.get(key);
    if (cell === undefined) {
      const fresh = new CounterCell();
      family.counters.set(key, fresh);
      family.series.set(key, () => fresh.value);
      cell = fresh;
    }
    return cell;
  }

  /** A value that is read when the page is asked for. `type: "counter"` for one that only grows elsewhere. */
  observe(name: string, help: string, labels: Labels, read: () => number, type: "counter" | "gauge" = "gauge"): void {
    this.family(name, help, type).series.set(renderLabels(labels), read);
  }

  /** A metric whose first series comes later. */
  declare(name: string, help: string, type: "counter" | "gauge"): void {
    this.family(name, help, type);
  }

  /** All metrics that were declared, by name. */
  describe(): readonly MetricWords[] {
    const words = [...this.all()].map(([name, { type, help }]) => ({ name, type, help }));
    return words.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Series whose labels are known only when the page is asked for: all of them, each with its value. */
  gather(
    name: string,
    help: string,
    type: "counter" | "gauge",
    series: () => Iterable<readonly [Labels, number]>,
  ): void {
    this.family(name, help, type).gather = series;
  }

  /** The page. */
  render(): string {
    const lines: string[] = [];
    const families = [...this.all()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    let before = "";
    for (const [name, family] of families) {
      // Families of several parts with one name are one family of the page.
      if (name !== before) lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`);
      before = name;
      for (const [labels, read] of family.series) lines.push(`${name}${labels} ${read()}`);
      for (const [labels, value] of family.gather?.() ?? []) lines.push(`${name}${renderLabels(labels)} ${value}`);
    }
    return `${lines.join("\n")}\n`;
  }

  private *all(): Iterable<[string, Family]> {
    yield* this.families;
    for (const part of this.parts) yield* part.all();
  }

  private family(name: string, help: string, type: "counter" | "gauge"): Family {
    let family = this.families.get(name);
    if (family === undefined) {
      family = { help, type, series: new Map(), counters: new Map() };
      this.families.set(name, family);
    }
    return family;
  }
}

function renderLabels(labels: Labels): string {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return "";
  const quoted = (value: string) => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  return `{${names.map((name) => `${name}="${quoted(labels[name] ?? "")}"`).join(",")}}`;
}
