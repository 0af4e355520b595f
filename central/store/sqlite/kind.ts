import type { StoreKind } from "../kind.ts";
import { SqliteFeed } from "./feed/feed.ts";
import { checkStoreFile } from "./open.ts";
import { SqliteReader } from "./reader.ts";
import { SqliteStore } from "./store.ts";

/** One file, named by its path. */
export const sqlite: StoreKind = {
  scheme: "",
  keepsAlerts: true,
  check: async (path) => checkStoreFile(path),
  writer: (path, tools) => new SqliteStore({ path, ...tools }),
  reader: (path) => new SqliteReader(path),
  notePath: (path, name) => `${path}.${name}`,
  feed: (path) => new SqliteFeed(path),
};
