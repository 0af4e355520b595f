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

interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly series: Map<string, () => number>;
  readonly counters: Map<string, CounterCell>;
}

class CounterCell implements Counter {
  value = 0;
  add(amount: number): void {
    this.value += amount;
  }
}

/** All metrics of one process. */
export class Metrics {
  private readonly families = new Map<string, Family>();

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

  /** The page. */
  render(): string {
    const lines: string[] = [];
    for (const [name, family] of [...this.families].sort(([a], [b]) => (a < b ? -1 : 1))) {
      lines.push(`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.type}`);
      for (const [labels, read] of family.series) lines.push(`${name}${labels} ${read()}`);
    }
    return `${lines.join("\n")}\n`;
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
