/** The lake as readers see it: the table's last metadata file, and the files that it names. Reads, and never writes. */
import { join } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import type { LakeConfig } from "../config/lake.ts";
import { codes } from "./codes.ts";
import { type DataFile, readManifest, readManifestList } from "./iceberg/manifest.ts";
import { currentSnapshot, type TableMetadata } from "./iceberg/metadata.ts";
import { TableFiles } from "./iceberg/table-files.ts";
import { tableName } from "./table-name.ts";

/** A table as it is now. */
export interface ReadTable {
  /** URI of the metadata file. */
  readonly location: string;
  readonly metadata: TableMetadata;
}

export class LakeCatalog {
  private readonly files: TableFiles;

  constructor({ directory }: Pick<LakeConfig, "directory">) {
    this.files = new TableFiles(join(directory, tableName));
  }

  /** Undefined: there is no table yet. @throws AppError `CENTRAL_LAKE_TABLE` or `CENTRAL_LAKE_DISK`. */
  table(): ReadTable | undefined {
    return this.reading(() => {
      const latest = this.files.latest();
      if (latest === undefined) return undefined;
      return { location: this.files.uri(this.files.metadata(latest.version)), metadata: latest.metadata };
    });
  }

  /** Those of a snapshot, in the order of their paths; undefined: there is no such snapshot. */
  dataFiles(id: number | undefined): DataFile[] | undefined {
    return this.reading(() => {
      const metadata = this.files.latest()?.metadata;
      const wanted = metadata?.snapshots.find((snapshot) => snapshot["snapshot-id"] === id);
      const snapshot = id === undefined ? metadata && currentSnapshot(metadata) : wanted;
      if (snapshot === undefined) return id === undefined ? [] : undefined;
      return readManifestList(this.files.path(snapshot["manifest-list"]))
        .flatMap(({ path }) => readManifest(this.files.path(path)))
        .filter(({ status }) => status !== "deleted")
        .map(({ file }) => file)
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    });
  }

  private reading<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      if (thrown instanceof AppError) throw thrown;
      throw new AppError(codes.CENTRAL_LAKE_DISK, "read the lake", { cause: thrown });
    }
  }
}
