/**
 * `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/etc/ca.pem` → what Bun's client is told.
 *
 * Host, port, user and database are given apart from the address, because a variable such as PGDATABASE would win over what
 * the address says. A password that it does not hold comes from `storePassword`, or else from PGPASSWORD.
 */
import type { SQL } from "bun";
import { AppError } from "../../../shared/errors/app-error.ts";
import { schemaName } from "./schema.ts";

/** Bounds of one session, milliseconds. The server ends what passes them. */
export interface SessionBounds {
  /** Waiting for a lock that somebody else holds. */
  readonly lockMs: number;
  readonly statementMs: number;
  /** In a transaction, without a word from us. */
  readonly idleMs: number;
}

/** What a pool of connections is opened with. */
export interface PoolWords {
  /** In `pg_stat_activity`: who is asked to go when it holds others up. */
  readonly applicationName: string;
  readonly connections: number;
  readonly bounds: SessionBounds;
  /** More settings of the session. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onClose?: () => void;
}

const connectSeconds = 5;
const sslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** @throws AppError `CONFIG_INVALID` when the address names no database. */
export function clientOptions(address: string, words: PoolWords): SQL.Options {
  const url = parse(address);
  const { lockMs, statementMs, idleMs } = words.bounds;
  const password = decodeURIComponent(url.password);
  return {
    adapter: "postgres",
    url: address,
    hostname: decodeURIComponent(url.hostname),
    port: url.port === "" ? 5432 : Number(url.port),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(password === "" ? {} : { password }),
    database: decodeURIComponent(url.pathname.slice(1)),
    max: words.connections,
    connectionTimeout: connectSeconds,
    connection: {
      application_name: words.applicationName,
      search_path: schemaName,
      client_encoding: "UTF8",
      lock_timeout: lockMs,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: idleMs,
      ...words.settings,
    },
    onclose: () => words.onClose?.(),
  };
}

function parse(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const sslMode = url?.searchParams.get("sslmode") ?? "prefer";
  if (!sslModes.includes(sslMode)) {
    throw new AppError(
      "CONFIG_INVALID",
      `open the store: sslmode=${sslMode} in \`store\`: write one of ${sslModes.join(", ")}`,
    );
  }
  if (url !== undefined && url.hostname !== "" && /^\/[^/]+$/.test(url.pathname)) return url;
  // The address itself is not repeated: it may hold a password.
  throw new AppError(
    "CONFIG_INVALID",
    "open the store: write `store` as postgres://USER@HOST:PORT/DATABASE, with %-codes for unusual characters",
  );
}
