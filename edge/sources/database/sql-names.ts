/** Names in a statement, as the standard writes them: PostgreSQL and SQLite, not MySQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `name` or `schema.name`. */
export function tableName(table: string): string {
  const dot = table.indexOf(".");
  return dot < 0 ? quoted(table) : `${quoted(table.slice(0, dot))}.${quoted(table.slice(dot + 1))}`;
}
