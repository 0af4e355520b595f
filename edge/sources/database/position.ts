import type { Positioned } from "../../core/source.ts";

/** Where a row stands: the values of its tracking column, and of the tie column if there is one, as exact texts. */
export interface Position {
  readonly at: string;
  /** Empty when the config names no tie column. */
  readonly tie: string;
}

/** How far a table was read, as it is stored with the events: `["17"]`, `["2026-11-29 10:00:00+00","17"]`; `[]` before the first row. */
export class ReadPlace implements Positioned {
  /** Undefined: before the first row. */
  last: Position | undefined;
  /** Whether it is known where to begin. */
  begun: boolean;

  constructor(
    readonly key: string,
    stored: string | undefined,
  ) {
    this.begun = stored !== undefined;
    this.last = stored === undefined ? undefined : parsePosition(stored);
  }

  position(): string | undefined {
    return this.begun ? positionText(this.last) : undefined;
  }
}

/** A position as text. */
export function positionText(position: Position | undefined): string {
  if (position === undefined) return "[]";
  return JSON.stringify(position.tie === "" ? [position.at] : [position.at, position.tie]);
}

function parsePosition(text: string): Position | undefined {
  const [at, tie = ""]: readonly unknown[] = JSON.parse(text);
  return typeof at === "string" && typeof tie === "string" ? { at, tie } : undefined;
}

/** What stored positions are found by. The query itself is not in it, so that one may be corrected and goes on. */
export function placeKey(config: {
  readonly table?: string | undefined;
  readonly trackingColumn: string;
  readonly tieColumn?: string | undefined;
}): string {
  const what = config.table === undefined ? ["query"] : ["table", config.table];
  return JSON.stringify([
    ...what,
    config.trackingColumn,
    ...(config.tieColumn === undefined ? [] : [config.tieColumn]),
  ]);
}
