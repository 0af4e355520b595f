/**
 * A store that its process may not write to, and then may: `bun unwritable-store.ts <path>`. Started by a test as somebody
 * who is not root, because root may write to everything. The reader opens in the worst moment: the file is writable
 * again, and the writer's last try, which found it read-only, is not closed yet. Prints what then becomes of the writer.
 */
import { chmodSync } from "node:fs";
import { systemClock } from "../../shared/clock/clock.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { openReader } from "../store/sqlite/open.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";

if (import.meta.main) await run(process.argv[2] ?? "");

async function run(path: string): Promise<void> {
  const files = ["", "-wal", "-shm"].map((end) => `${path}${end}`);
  for (const file of files) chmodSync(file, 0o444);
  const lastTry = openReader(path);
  lastTry.prepare("select count(*) from source").get();
  for (const file of files) chmodSync(file, 0o644);
  const reader = new SqliteReader(path);
  await reader.totals();
  lastTry.close();
  const store = new SqliteStore({ path, clock: systemClock, report: silent });
  const answer = await store.probe().then(() => "written", messageOf);
  await reader.totals();
  process.stdout.write(`${answer}\n`);
  await store.close();
  await reader.close();
}
