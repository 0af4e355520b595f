import type { Statements, StateRow } from "./connection.ts";

/** What a hot row is about. */
export type StateKind = "position" | "counter" | "lane" | "file";

interface Cell {
  readonly id: number;
  readonly value: string | number;
}

interface Write {
  readonly what: StateKind;
  readonly stream: string;
  readonly name: string;
  readonly value: string | number | undefined;
}

/**
 * The hot rows, as they stand in the file. Everything that changes with each commit lives in this one table, so that a
 * small commit touches one page of it; it is read once at the start and never again.
 */
export class State {
  private readonly cells = new Map<string, Cell>();

  constructor(rows: Iterable<StateRow>) {
    for (const { id, what, stream, name, value } of rows) this.cells.set(keyOf(what, stream, name), { id, value });
  }

  get(what: StateKind, stream: string, name: string): string | number | undefined {
    return this.cells.get(keyOf(what, stream, name))?.value;
  }

  /** All rows of one kind and stream, by name. */
  all(what: StateKind, stream: string): Map<string, string | number> {
    const prefix = keyOf(what, stream, "");
    const found = new Map<string, string | number>();
    for (const [key, { value }] of this.cells) {
      if (key.startsWith(prefix)) found.set(key.slice(prefix.length), value);
    }
    return found;
  }

  /** Streams that have rows of one kind. */
  streams(what: StateKind): Set<string> {
    const prefix = `${what}\u0000`;
    const found = new Set<string>();
    for (const key of this.cells.keys()) {
      if (key.startsWith(prefix)) found.add(key.slice(prefix.length, key.indexOf("\u0000", prefix.length)));
    }
    return found;
  }

  /** What `changes` writes; nothing here changes before `adopt`. Answers what to adopt when the commit succeeded. */
  write(changes: StateChanges, statements: Statements): ReadonlyMap<string, Cell | undefined> {
    const written = new Map<string, Cell | undefined>();
    for (const [key, { what, stream, name, value }] of changes.writes) {
      const cell = this.cells.get(key);
      if (value === undefined) {
        if (cell !== undefined) statements.deleteState.run(cell.id);
        written.set(key, undefined);
      } else if (cell === undefined) {
        const { lastInsertRowid } = statements.insertState.run(what, stream, name, value);
        written.set(key, { id: Number(lastInsertRowid), value });
      } else if (cell.value !== value) {
        statements.updateState.run(value, cell.id);
        written.set(key, { id: cell.id, value });
      }
    }
    return written;
  }

  adopt(written: ReadonlyMap<string, Cell | undefined>): void {
    for (const [key, cell] of written) {
      if (cell === undefined) this.cells.delete(key);
      else this.cells.set(key, cell);
    }
  }
}

/** Changes of one transaction, the last word for each row. */
export class StateChanges {
  readonly writes = new Map<string, Write>();

  constructor(private readonly state: State) {}

  set(what: StateKind, stream: string, name: string, value: string | number | undefined): void {
    this.writes.set(keyOf(what, stream, name), { what, stream, name, value });
  }

  /** Adds to a number; a row that is not there is 0. Answers the sum. */
  add(what: StateKind, stream: string, name: string, amount: number): number {
    const pending = this.writes.get(keyOf(what, stream, name));
    const before = pending === undefined ? this.state.get(what, stream, name) : pending.value;
    const sum = Number(before ?? 0) + amount;
    this.set(what, stream, name, sum);
    return sum;
  }
}

function keyOf(what: string, stream: string, name: string): string {
  return `${what}\u0000${stream}\u0000${name}`;
}
