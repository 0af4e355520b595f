import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoreKind } from "../../store/kind.ts";
import { sqlite } from "../../store/sqlite/kind.ts";

/** An example of a kind of store, used by tests: `example://NAME` is a SQLite file in the folder for temporary files. */
export const example: StoreKind = {
  scheme: "example",
  keepsAlerts: false,
  check: async () => {},
  writer: (address, tools) => sqlite.writer(pathOf(address), tools),
  reader: (address) => sqlite.reader(pathOf(address)),
};

function pathOf(address: string): string {
  return join(tmpdir(), `${new URL(address).hostname}.db`);
}
