import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none; people use `org.keedio.flume.source.SQLSource`. */
export default defineSource({
  type: "database",
  summary:
    "Reads new rows of a table (PostgreSQL, MySQL and MariaDB, SQLite) by a column that grows. How far it is, is stored with the events, so each row comes once, also after a kill.",
  stability: "experimental",
  config: configSchema,
  example: {
    url: "postgres://reader@127.0.0.1:5432/fleet",
    password: "secret",
    table: "public.trips",
    trackingColumn: "id",
  },
  create: async (config, context) => {
    const { DatabaseSource } = await import("./source.ts");
    return new DatabaseSource(config, context);
  },
});
