/**
 * One connection to a server through Bun's client. Settings belong to a session, so a connection that broke is never replaced in
 * silence: everything rejects until whoever owns it opens another.
 */
import { SQL } from "bun";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { AppError, hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import type { ServerAddress } from "./address.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";

/** The server's own deadline comes first, so that a slow question does not cost the connection. */
const patienceMs = 2_000;
const closeMs = 1_000;

/** A row as the client hands it out; what is in it is said by the query. */
export type Cells = Readonly<Record<string, unknown>>;

export class ServerConnection {
  private broken = false;

  private constructor(
    private readonly pool: SQL,
    private readonly session: SQL,
    private readonly config: Config,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws AppError. */
  static async open(address: ServerAddress, config: Config, signal: AbortSignal): Promise<ServerConnection> {
    const pool = new SQL(clientOptions(address, config));
    const late = () =>
      new AppError(codes.EDGE_DATABASE_AWAY, `connect to the database: no answer in ${config.connectTimeout} ms`);
    try {
      const session = await withDeadline(orAborted(pool.reserve(), signal), config.connectTimeout, late);
      return new ServerConnection(pool, session, config, signal);
    } catch (thrown) {
      await end(pool);
      const error = failure("connect to the database", thrown);
      if (address.kind !== "mysql" || config.tls === undefined || !hasCode(error, codes.EDGE_DATABASE_REFUSED))
        throw error;
      // The client gives one answer for both.
      throw new AppError(codes.EDGE_DATABASE_REFUSED, `${error.message}; or the server does not encrypt`);
    }
  }

  /** @throws AppError; after a wait that was given up, the connection is good for nothing any more. */
  async ask(doing: string, text: string, values: readonly string[] = []): Promise<readonly Cells[]> {
    const { session, config, signal } = this;
    const late = () =>
      new AppError(codes.EDGE_DATABASE_AWAY, `${doing}: no answer in ${config.timeout + patienceMs} ms`);
    if (this.broken) throw new AppError(codes.EDGE_DATABASE_AWAY, `${doing}: the connection ended`);
    try {
      const query = session.unsafe<readonly Cells[]>(text, [...values]);
      const work = Promise.resolve(query);
      return await withDeadline(orAborted(work, signal), config.timeout + patienceMs, late);
    } catch (thrown) {
      if (!(thrown instanceof SQL.SQLError) || serverState(thrown) === undefined) this.broken = true;
      throw failure(doing, thrown);
    }
  }

  async close(): Promise<void> {
    this.broken = true;
    await end(this.pool);
  }
}

function clientOptions(address: ServerAddress, config: Config): SQL.Options {
  const { kind, host, port, user, password, database } = address;
  const secret = config.password ?? password;
  const { tls } = config;
  // Everything is said apart from an address, so that no variable such as PGDATABASE wins over it.
  return {
    adapter: kind,
    hostname: host,
    port,
    username: user,
    password: secret,
    database,
    max: 1,
    connectionTimeout: Math.ceil(config.connectTimeout / 1_000),
    idleTimeout: 0,
    maxLifetime: 0,
    // A named statement would stay with another server session behind a pooler.
    ...(kind === "postgres" ? { prepare: false } : {}),
    tls:
      tls === undefined
        ? false
        : {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
            serverName: tls.serverName ?? host,
            rejectUnauthorized: tls.verify,
          },
  };
}

/** What the server itself said: SQLSTATE, where there is one. Undefined: the connection failed. */
function serverState(thrown: unknown): string | undefined {
  if (thrown instanceof SQL.PostgresError) return thrown.errno;
  if (thrown instanceof SQL.MySQLError) return thrown.sqlState;
  return undefined;
}

/** 08: connection, 53: resources, 57: an operator; a lost login or right is 28 and 42501. */
function failure(doing: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const state = serverState(thrown);
  const words = `${doing}: ${messageOf(thrown)}`;
  const cause = { cause: thrown };
  if (state === undefined) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    const isLogin = /AUTH|PASSWORD|SSL|TLS|CERT|VERIFY/.test(code);
    return new AppError(isLogin ? codes.EDGE_DATABASE_REFUSED : codes.EDGE_DATABASE_AWAY, words);
  }
  const about = `${words} (${state})`;
  if (state.startsWith("28") || state === "42501") return new AppError(codes.EDGE_DATABASE_REFUSED, about, cause);
  const isAway = ["08", "53", "57", "58", "40", "55", "XX"].some((begin) => state.startsWith(begin));
  return new AppError(isAway ? codes.EDGE_DATABASE_AWAY : codes.EDGE_DATABASE_UNFIT, about);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new AppError(codes.EDGE_DATABASE_AWAY, "the source is stopped"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

async function end(pool: SQL): Promise<void> {
  const late = () => new Error("it does not end");
  await withDeadline(pool.close({ timeout: 0 }), closeMs, late).catch(() => {}); // It is given up either way.
}
