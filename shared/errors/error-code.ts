/**
 * An error code says how bad it is, and what its reader can do about it. It is declared once, beside what says it, and means
 * the same in the log, on the command line, in HTTP bodies and on the reference pages.
 */
export type Severity =
  /** May work later with the same input: whoever runs the work waits and tries again, without end. */
  | "transient"
  /** Never works with this input: the named records go to the dead letters, the rest goes on. */
  | "permanent"
  /** This component cannot go on; health says so; the others keep running. */
  | "fatal"
  /** What the user gave is wrong: nothing was started, nothing was touched. */
  | "usage"
  /** What lies outside is broken so that only a new start goes on: the process stops and its supervisor starts it again. */
  | "restart"
  /** Our own assumption was broken: the process stops and its supervisor starts it again. */
  | "invariant";

/** How bad a code is, and what a person can do. */
export interface CodeWords {
  readonly severity: Severity;
  readonly hint: string;
}

/** A declared code. */
export interface ErrorCode<Name extends string = string> extends CodeWords {
  readonly name: Name;
}

/** Declared codes, by name. */
export type ErrorCodes<Name extends string = string> = { readonly [N in Name]: ErrorCode<N> };

const tables = new WeakSet<object>();

/**
 * Declares the codes of a component, in a file of its folder:
 *
 *     export const codes = defineCodes({ EDGE_LAKE_LEASE: { severity: "transient", hint: "…" } });
 *     throw new AppError(codes.EDGE_LAKE_LEASE, `append to ${path}`);
 *
 * Nothing else is edited: `npm run generate` looks for these tables in the tree and puts them on the reference pages.
 */
export function defineCodes<Name extends string>(words: Readonly<Record<Name, CodeWords>>): ErrorCodes<Name> {
  const table: Partial<Record<string, ErrorCode>> = {};
  for (const [name, entry] of Object.entries<CodeWords>(words)) table[name] = { name, ...entry };
  tables.add(table);
  return table as ErrorCodes<Name>;
}

/** Whether a value is what `defineCodes` returned. */
export function isCodes(value: unknown): value is ErrorCodes {
  return typeof value === "object" && value !== null && tables.has(value);
}
