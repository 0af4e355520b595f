import type { DatabaseAddress } from "./address.ts";
import type { DatabaseSession, SessionOptions } from "./session.ts";

/** Loads the kind of database that is named, and only that. @throws AppError. */
export async function openSession(address: DatabaseAddress, options: SessionOptions): Promise<DatabaseSession> {
  if (address.kind === "sqlite") {
    const { SqliteSession } = await import("./sqlite.ts");
    return new SqliteSession(address.path, options);
  }
  if (address.kind === "mysql") {
    const { MysqlSession } = await import("./mysql.ts");
    return await MysqlSession.open(address, options);
  }
  const { PostgresSession } = await import("./postgres.ts");
  return await PostgresSession.open(address, options);
}
