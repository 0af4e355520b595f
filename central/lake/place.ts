/**
 * Remembers which table was in the lake's folder. A disk that is not mounted leaves an empty folder in its place, or the one that
 * somebody filled by mistake: a lake that is written there hides below the mount as soon as the disk is back, and has read
 * all of Kafka again. So what was there is noted where the store is, and only the same table is gone on with.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../shared/errors/app-error.ts";
import { readNamedText, textBytesMax } from "../../shared/files/read-named.ts";
import { codes } from "./codes.ts";
import { syncFoldersOf, writeWhole } from "./files/durable.ts";
import { TableFiles } from "./iceberg/table-files.ts";
import { tableName } from "./table-name.ts";

/** Ids of tables, by the lake's folder: a config that is changed and changed back finds each of them. */
const Note = z.record(z.string(), z.string());

/** See above. */
export class LakePlace {
  private tables: Readonly<Record<string, string>>;
  private readonly files: TableFiles;

  /** @param notePath Undefined: the store is no file on this machine, and what was there is known for as long as the process lives. */
  constructor(
    private readonly directory: string,
    private readonly notePath: string | undefined,
  ) {
    this.files = new TableFiles(join(directory, tableName));
    this.tables = notePath === undefined ? {} : read(notePath);
  }

  /** Before anything is made there. @throws AppError `CENTRAL_LAKE_AWAY`. */
  check(): void {
    const before = this.tables[this.directory];
    // Whoever removes the note says that the lake is to begin anew.
    if (before === undefined || (this.notePath !== undefined && !existsSync(this.notePath))) return;
    const now = this.files.latest()?.metadata["table-uuid"];
    if (now === before) return;
    const what = now === undefined ? "no table" : `another table (${now})`;
    const note = this.notePath === undefined ? "" : `, as ${this.notePath} says`;
    throw new AppError(
      codes.CENTRAL_LAKE_AWAY,
      `write the lake in ${this.directory}: ${what} is there, and the table ${before} was${note}`,
    );
  }

  /** This table is there. @throws the system's error when it cannot be noted. */
  remember(table: string): void {
    const isNoted = this.notePath === undefined || existsSync(this.notePath);
    if (isNoted && this.tables[this.directory] === table) return;
    const tables = { ...this.tables, [this.directory]: table };
    if (this.notePath !== undefined) {
      writeWhole(this.notePath, Buffer.from(`${JSON.stringify(tables, undefined, 2)}\n`));
      syncFoldersOf([this.notePath]);
    }
    this.tables = tables;
  }
}

/** One that somebody has damaged is none: it is written again. */
function read(path: string): z.output<typeof Note> {
  try {
    return Note.parse(JSON.parse(readNamedText(path, { bytesMax: textBytesMax, pipes: "refuse" })));
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (isMissing || thrown instanceof SyntaxError || thrown instanceof z.ZodError) return {};
    throw thrown;
  }
}
