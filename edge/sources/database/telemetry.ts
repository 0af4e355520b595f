import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the database source says. */
export const signals = {
  connected: defineSignal({ name: "database_connected", level: "info", message: "Reads the database" }),
  failed: defineSignal({
    name: "database_not_read",
    level: "warn",
    message: "The database cannot be read; its rows wait there, and it is tried again",
    counts: { metric: "tailgate_database_failures_total", help: "Times that a database could not be read, by source." },
  }),
  waits: defineSignal({
    name: "database_waits",
    level: "warn",
    message: "A transaction is open for long that may still bring rows before those that are there; they wait for it",
    atMostEveryMs: 60_000,
  }),
  behind: defineSignal({
    name: "database_position_ahead",
    level: "warn",
    message:
      "The largest value of the tracking column is below the position: rows were deleted, or its counting began anew; rows at or below the position are not read",
  }),
  late: defineSignal({
    name: "database_rows_late",
    level: "error",
    message:
      "Rows became visible below the position after it had passed them: they are not read; the tracking column does not grow in the order of commits",
    counts: {
      metric: "tailgate_database_rows_late_total",
      help: "Rows of a database that became visible too late to be read, by source.",
      by: "rows",
    },
  }),
  unplaced: defineSignal({
    name: "database_rows_unplaced",
    level: "warn",
    message: "Rows have no value in the tracking or tie column, or one of another type; they are not read",
  }),
  ahead: defineSignal({
    name: "database_rows_ahead",
    level: "warn",
    message: "Rows are in the future by the database's clock; they are read when their time has come",
  }),
} as const;

/** Metrics that mirror what the source knows. */
export const gauges = {
  waiting: {
    name: "tailgate_database_open_transactions",
    help: "Transactions that rows of a database wait for, by source.",
  },
  unread: {
    name: "tailgate_database_rows_unread",
    help: "Rows of a database that cannot be read as they are, by source and reason; counted up to 1000.",
  },
} as const;
