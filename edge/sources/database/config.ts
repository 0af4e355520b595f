import { z } from "zod";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { parseAddress } from "./address.ts";

const name = (what: string) =>
  z
    .string()
    .min(1)
    .max(128)
    .regex(/^[^\0]+$/, `not the name of a ${what}`);

const databaseUrl = () =>
  secret().superRefine((text, context) => {
    if (parseAddress(text) !== undefined) return;
    const message =
      "not a database: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, mysql://… or sqlite:/path, with %-codes for unusual characters and nothing behind";
    context.addIssue({ code: "custom", message });
  });

const tls = () =>
  clientTls().safeExtend({
    verify: z.boolean().default(true).meta({ description: "Off only for tests: anybody can then play the server." }),
  });

/** Config of the database source. */
export const configSchema = () =>
  z
    .strictObject({
      url: databaseUrl().meta({
        secret: true,
        description:
          "The database: `postgres://user@host:port/database`, `mysql://…` (also for MariaDB), or `sqlite:/path/of/file.db`. It may hold a password, and is never shown whole.",
      }),
      password: secret().optional().meta({ description: "The password, where `url` does not hold it." }),
      tls: tls().optional().meta({
        description:
          "Encrypts the connection to a server; {} for the system's certificates. Without it, it is not encrypted.",
      }),
      table: name("table").optional().meta({ description: "The table or view to read: `name` or `schema.name`." }),
      query: z.string().min(1).optional().meta({
        description:
          "A SELECT instead of a table; it is read as if it were one. PostgreSQL and SQLite; elsewhere make a view of it.",
      }),
      trackingColumn: name("column").meta({
        description:
          "The column that grows from row to row: a number that the database gives out when it inserts, or a time. Its value in the last row that was read is the position.",
      }),
      tieColumn: name("column").optional().meta({
        description:
          "A second column, for a tracking column that is not unique, as times are: rows of one value are read in the order of this one.",
      }),
      columns: z.array(name("column")).min(1).max(1_000).optional().meta({
        description: "The columns that an event has; all when left out.",
      }),
      keyColumn: name("column").optional().meta({ description: "The column whose value becomes the record key." }),
      start: z.enum(["beginning", "end"]).default("beginning").meta({
        description: "Where to begin with a table that was never read.",
      }),
      openTransactions: z.enum(["wait", "wait_all", "ignore"]).default("wait").meta({
        description:
          "`wait`: a row is read when no transaction is open any more that could still bring a row before it. `wait_all`: also when none is open that has not written yet, for programs that draw numbers before they insert. `ignore`: it is read at once, and rows that become visible later with a lower value are lost.",
      }),
      settle: duration({ min: 0, max: 86_400_000 }).prefault("0s").meta({
        description:
          "Of a tracking column that is a time: rows that are younger than this, by the database's clock, are not read yet. For times that the writers take from clocks of their own.",
      }),
      timeZone: z
        .string()
        .regex(/^[A-Za-z0-9_+:/-]{1,64}$/, "not a time zone: write one like Europe/Berlin or +01:00")
        .default("UTC")
        .meta({
          description: "The zone in which a tracking column without one is written; for what is not in the future yet.",
        }),
      pollInterval: duration({ min: 10, max: 86_400_000 })
        .prefault("1s")
        .meta({ description: "How long to wait, when all was read, before it is looked at again." }),
      rowsMax: z.int().min(1).max(10_000).default(1_000).meta({
        description: "Rows of one read; fewer when they are large.",
      }),
      timeout: duration({ min: 100, max: 3_600_000 }).prefault("30s").meta({
        description: "How long a question to the database may take. The server is told to give up by then.",
      }),
      connectTimeout: duration({ min: 100, max: 300_000 })
        .prefault("10s")
        .meta({ description: "How long it may take until a connection stands, its login included." }),
      tableHeader: z.string().min(1).default("table").meta({
        description: "Name of the header that holds the table; the source's name where a query is read.",
      }),
      positionHeader: z.string().min(1).default("position").meta({
        description: "Name of the header that holds the row's position, as it is stored.",
      }),
    })
    .refine(({ table, query }) => (table === undefined) !== (query === undefined), {
      path: ["table"],
      error: "write table or query, one of them",
    })
    .superRefine(({ url, query, password, tls }, context) => {
      const kind = parseAddress(url)?.kind;
      const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
      if (kind === "mysql" && query !== undefined) refuse("query", "make a view of it, and name that as the table");
      if (kind !== "sqlite") return;
      if (password !== undefined) refuse("password", "a file has none");
      if (tls !== undefined) refuse("tls", "a file has no connection");
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
