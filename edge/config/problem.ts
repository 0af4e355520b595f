/** One mistake in a config: where it stands, what is wrong, what was probably meant. */
export interface Problem {
  readonly file: string;
  /** From 1, as editors count. */
  readonly line: number;
  readonly column: number;
  /** `sinks.kafka.brokers[0]`; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** `file:line:column: key: message (hint)`, which editors and terminals make into a link. */
export function formatProblem({ file, line, column, key, message, hint }: Problem): string {
  const where = `${file}:${line}:${column}: `;
  return `${where}${key === "" ? "" : `${key}: `}${message}${hint === undefined ? "" : ` (${hint})`}`;
}

/** `sinks.kafka.brokers[0]`. */
export function formatKey(path: readonly PropertyKey[]): string {
  return path.reduce<string>((key, part) => {
    if (typeof part === "number") return `${key}[${part}]`;
    return key === "" ? String(part) : `${key}.${String(part)}`;
  }, "");
}
