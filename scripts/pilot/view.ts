import type { Numbers } from "./numbers.ts";
import type { Way } from "./way.ts";

/** Where a line of text goes. */
export interface Screen {
  readonly isTerminal: boolean;
  write(text: string): void;
}

const count = (value: number) => value.toLocaleString("en-US");
const plainEveryMs = 2_000;

/** What central calls repeated: in a topic nothing should be, and by relay a lost answer is what it is for. */
const again: Readonly<Record<Way, string>> = { kafka: "repeated", relay: "sent again" };

/**
 * The live view: on a terminal a block that is drawn over itself, elsewhere a line every two seconds. Notes (what the
 * demo does, what went wrong) stay above it.
 */
export class View {
  private drawn = 0;
  private lastPlainMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly screen: Screen,
    private readonly url: string,
    private readonly hint: string,
  ) {}

  /** A line that stays. */
  note(text: string): void {
    this.clear();
    this.screen.write(`${text}\n`);
  }

  /** The numbers as they are now. */
  show(numbers: Numbers, nowMs: number): void {
    if (this.screen.isTerminal) {
      const lines = renderBlock(numbers, this.url, this.hint);
      this.clear();
      this.screen.write(`${lines.join("\n")}\n`);
      this.drawn = lines.length;
    } else if (nowMs - this.lastPlainMs >= plainEveryMs) {
      this.lastPlainMs = nowMs;
      this.screen.write(`${renderLine(numbers)}\n`);
    }
  }

  private clear(): void {
    if (this.drawn > 0) this.screen.write(`\x1b[${this.drawn}A\x1b[J`);
    this.drawn = 0;
  }
}

/** One line, for logs and pipes. */
export function renderLine({ way, written, edge, central, brokerUp }: Numbers): string {
  const parts = [
    `cars ${central?.vehicles ?? "-"}`,
    `lines/s ${central?.linesPerSecond ?? "-"}`,
    `written ${count(written)}`,
    `backlog ${edge === undefined ? "-" : count(edge.backlog)}`,
    `stored ${central === undefined ? "-" : count(central.stored)}`,
    `missing ${central?.missing ?? "-"}`,
    `${again[way]} ${central?.repeated ?? "-"}`,
    `daily file ${edge === undefined ? "-" : count(edge.batchSent)}`,
  ];
  return `${parts.join("  ")}${stateOf({ edge, central, brokerUp })}`;
}

/** The block of the terminal. */
export function renderBlock(numbers: Numbers, url: string, hint: string): string[] {
  const { way, written, edge, central, brokerUp } = numbers;
  const row = (name: string, value: string, more = "") =>
    `  ${name.padEnd(12)}${value.padStart(12)}  ${more}`.trimEnd();
  const known = (value: number | undefined) => (value === undefined ? "-" : count(value));
  const bar = edge === undefined ? "" : "█".repeat(Math.min(40, Math.ceil(Math.log2(1 + edge.backlog) * 2)));
  return [
    "",
    row("cars", known(central?.vehicles), `${known(central?.linesPerSecond)} lines/s`),
    row("written", count(written), "by the simulator"),
    row(
      "backlog",
      known(edge?.backlog),
      edge === undefined ? "" : `${(edge.backlogBytes / 1024).toFixed(0)} KiB ${bar}`,
    ),
    row("stored", known(central?.stored), central?.lag ? `${count(central.lag)} behind` : ""),
    row("missing", known(central?.missing)),
    row(again[way], known(central?.repeated), way === "relay" ? "and stored once" : ""),
    row("daily file", known(edge?.batchSent), edge?.batchHeld ? `${count(edge.batchHeld)} on their way` : ""),
    "",
    `  ${url}${stateOf({ edge, central, brokerUp })}`,
    `  ${hint}`,
  ];
}

function stateOf({ edge, central, brokerUp }: Pick<Numbers, "edge" | "central" | "brokerUp">): string {
  const away = [brokerUp ? "" : "Kafka", edge === undefined ? "edge" : "", central === undefined ? "central" : ""];
  const named = away.filter((name) => name !== "");
  return named.length === 0 ? "" : `  [away: ${named.join(", ")}]`;
}
