/**
 * Commits to a table without end, for tests that kill it or run two of it: `bun crash-writer.ts <folder> [sweep]`. Goes on from the
 * table's own position; merges in between.
 */
import { hasCode } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";
import { sweep } from "../iceberg/sweep.ts";
import { compact } from "../upkeep/compaction.ts";
import { append, line, openTable, rowsFrom } from "./rows.ts";

if (import.meta.main) await write(process.argv[2] ?? "", process.argv[3] === "sweep");

async function write(folder: string, sweeping: boolean): Promise<never> {
  process.stdout.write("ready\n");
  for (;;) {
    try {
      await live(folder, sweeping);
    } catch (thrown) {
      if (!hasCode(thrown, codes.CENTRAL_LAKE_FENCED)) throw thrown;
      process.stdout.write("fenced\n");
    }
  }
}

async function live(folder: string, sweeping: boolean): Promise<never> {
  const table = openTable(folder, { keepSnapshotsMs: 200 });
  for (;;) {
    if (sweeping) sweep(table.files, table.metadata);
    const next = table.positions().at(line) ?? 0;
    append(table, rowsFrom(next, 1 + ((next * 7) % 90)));
    process.stdout.write("wrote\n");
    await compact(table);
    await Bun.sleep(0);
  }
}
