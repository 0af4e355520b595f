import type { StoreKind } from "../kind.ts";
import { PostgresFeed } from "./feed/feed.ts";
import { PostgresReader } from "./reader.ts";
import { checkStore, PostgresStore } from "./store.ts";

/** A schema of a database, named by its address. */
export const postgres: StoreKind = {
  scheme: "postgres",
  keepsAlerts: true,
  check: checkStore,
  writer: (address, tools) => new PostgresStore({ address, ...tools }),
  reader: (address) => new PostgresReader(address),
  feed: (address) => new PostgresFeed(address),
};

/** The other name that PostgreSQL's own programs know the scheme by. */
export const postgresql: StoreKind = { ...postgres, scheme: "postgresql" };
