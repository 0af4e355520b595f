/** Values on their way to PostgreSQL and back. */
import type { SQL } from "bun";

type ArrayParameter = ReturnType<SQL["array"]>;

/** A text from outside as it is stored: its UTF-8, so that any character and NUL is one. */
export function bytes(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** The same of a text that may not be there. */
export function bytesOrNull(text: string | null | undefined): Buffer | null {
  return text === null || text === undefined ? null : bytes(text);
}

/** The text of what `bytes` has made. */
export function textOf(stored: Buffer): string {
  return stored.toString("utf8");
}

/** An array for `unnest` or `any`. */
export function byteas(sql: SQL, values: readonly (Buffer | null)[]): ArrayParameter {
  return sql.array([...values], "BYTEA");
}

/** The same of whole numbers of up to 53 bits. */
export function int8s(sql: SQL, values: readonly (number | null)[]): ArrayParameter {
  return sql.array([...values], "BIGINT");
}

/** The same of words of our own. */
export function texts(sql: SQL, values: readonly string[]): ArrayParameter {
  return sql.array([...values], "TEXT");
}

/** The server's clock, which is one for all instances: milliseconds since 1970. */
export function serverNow(sql: SQL) {
  return sql`(extract(epoch from clock_timestamp()) * 1000)::bigint`;
}
