/** Connections that only read: each question is one read-only transaction, which sees one state of the store. */
import { SQL } from "bun";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { clientOptions } from "./address.ts";
import { sqlState, storeFailure } from "./failure.ts";
import { inspectStore } from "./migrate.ts";
import { readerName } from "./take-over.ts";

/** A read holds nobody up; it ends before whoever asks has gone. */
const bounds = { lockMs: 2_000, statementMs: 20_000, idleMs: 20_000 } as const;
const readMs = 25_000;

/** "No such table": a day's table was dropped while it was read. */
const tableGone = "42P01";

export class ReadPool {
  private pool: SQL | undefined;
  private closed = false;

  constructor(
    private readonly address: string,
    private readonly connections: number,
  ) {}

  /** @throws AppError `CENTRAL_STORE_UNAVAILABLE`. */
  async read<T>(doing: string, work: (sql: SQL) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const late = () => new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the server took too long`);
        const pool = this.open();
        return await withDeadline(pool.begin("isolation level repeatable read read only", work), readMs, late);
      } catch (thrown) {
        if (sqlState(thrown) === tableGone && tries === 1) continue;
        const failure = await this.explain(doing, thrown);
        if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE")) await this.drop();
        if (!hasCode(failure, "CENTRAL_RECORD_POISON")) throw failure;
        // A query has no record to blame.
        throw new AppError("INVARIANT", doing, { cause: thrown });
      }
    }
  }

  /** Its connections go, and come back with the next question. Others may be reading: they meet the same failure. */
  async drop(): Promise<void> {
    const pool = this.pool;
    this.pool = undefined;
    await pool?.close({ timeout: 0 }).catch(() => {}); // It is given up either way.
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.drop();
  }

  /** Where the server answers and the question fails, something else may stand in the place of our tables. */
  private async explain(doing: string, thrown: unknown): Promise<AppError> {
    const failure = storeFailure(doing, thrown);
    if (this.closed || (sqlState(thrown) === undefined && !hasCode(failure, "CENTRAL_RECORD_POISON"))) return failure;
    try {
      const late = () => new AppError("CENTRAL_STORE_UNAVAILABLE", `${doing}: the server took too long`);
      if ((await withDeadline(inspectStore(this.open()), readMs, late)) !== undefined) return failure;
      return gone(`${doing}: there is no store in the database`);
    } catch (inspected) {
      if (hasCode(inspected, "CENTRAL_STORE_FOREIGN", "CENTRAL_STORE_VERSION")) return gone(inspected.message);
      return failure;
    }
  }

  private open(): SQL {
    if (this.closed) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "read the store: it was closed");
    const { address, connections } = this;
    this.pool ??= new SQL(
      clientOptions(address, { applicationName: readerName, connections, bounds, settings: { jit: "off" } }),
    );
    return this.pool;
  }
}

function gone(message: string): AppError {
  return new AppError("CENTRAL_STORE_UNAVAILABLE", message, {
    hint: "Put its tables back, and it goes on by itself; or stop central and start it to begin with an empty store.",
  });
}
