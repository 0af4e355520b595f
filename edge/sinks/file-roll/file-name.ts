import type { Lane } from "../../core/lane.ts";

/** The name of a file and the time it is for: events whose time lies in `[…, untilMs)` belong into it. */
export interface FileName {
  readonly name: string;
  /** Undefined: the pattern knows no time, the file is for all of it. */
  readonly untilMs: number | undefined;
}

const words = ["stream", "topic", "agent", "lane"] as const;
type Word = (typeof words)[number];
const units: readonly (string | undefined)[] = ["Y", "m", "d", "H", "M"];
const token = /%(?:\{([^}]*)\}|(.?))/g;

/** What is wrong with a pattern; undefined when nothing is. */
export function mistakeOf(pattern: string): string | undefined {
  if (pattern === "" || pattern.startsWith("/") || pattern.endsWith("/"))
    return "not the name of a file below the directory";
  if (pattern.split("/").some((part) => part === "" || part.startsWith("."))) {
    return "no part of the name may be empty or begin with a dot";
  }
  for (const [whole, word, unit] of pattern.matchAll(token)) {
    if (word !== undefined && !words.some((known) => known === word)) {
      return `"${whole}" means nothing here: ${words.map((known) => `%{${known}}`).join(", ")} do`;
    }
    if (word === undefined && unit !== "%" && !units.includes(unit)) {
      return `"${whole}" means nothing here: ${units.map((known) => `%${known}`).join(", ")} do, and %% is a plain %`;
    }
  }
  return undefined;
}

/**
 * Renders `%{stream}-%Y-%m-%d.log` for one lane. Times are UTC: a day is the same day in every data centre, and none
 * has 23 hours. Events come mostly in order, so the last answer is kept: a comparison an event.
 */
export class FileNamer {
  private readonly finest: number;
  private fromMs = 0;
  private last: FileName | undefined;

  constructor(
    private readonly pattern: string,
    private readonly lane: Pick<Lane, "stream" | "group" | "number">,
    private readonly agent: string,
  ) {
    const used = [...pattern.matchAll(token)].map(([, , unit]) => units.indexOf(unit));
    this.finest = Math.max(-1, ...used);
  }

  nameOf(timeMs: number): FileName {
    const { last } = this;
    if (last !== undefined && (last.untilMs === undefined || (timeMs >= this.fromMs && timeMs < last.untilMs)))
      return last;
    const parts = partsOf(timeMs);
    this.fromMs = startOf(parts, this.finest, 0);
    const untilMs = this.finest < 0 ? undefined : startOf(parts, this.finest, 1);
    this.last = { name: this.render(parts), untilMs };
    return this.last;
  }

  private render(parts: readonly number[]): string {
    const values: Record<Word, string> = {
      stream: this.lane.stream,
      topic: this.lane.group.replaceAll("/", "_"),
      agent: this.agent,
      lane: String(this.lane.number),
    };
    return this.pattern.replaceAll(token, (_whole, word: string | undefined, unit: string) => {
      const known = words.find((each) => each === word);
      if (known !== undefined) return values[known];
      const index = units.indexOf(unit);
      return index < 0 ? "%" : String(parts[index] ?? 0).padStart(index === 0 ? 4 : 2, "0");
    });
  }
}

/** Year, month (from 1), day, hour, minute in UTC. Times that no date can hold are taken as 1970. */
function partsOf(timeMs: number): readonly number[] {
  const valid = Math.abs(timeMs) < 8.64e15 ? timeMs : 0;
  const date = new Date(valid);
  return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes()];
}

/** When the unit that holds the time begins (`ahead` 0), or the one after it (1). */
function startOf(parts: readonly number[], finest: number, ahead: number): number {
  const [year = 1970, month = 1, day = 1, hour = 0, minute = 0] = parts.map((part, index) => {
    if (index < finest) return part;
    return index === finest ? part + ahead : index === 1 || index === 2 ? 1 : 0;
  });
  return Date.UTC(year, month - 1, day, hour, minute);
}
