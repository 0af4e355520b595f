/**
 * The table as its one writer has it. A commit writes the data files, a manifest, the list of manifests, and last the metadata file
 * that names them: before that nothing of it is there, after it all is. After a failure the writer does not know which it was; so
 * it opens the table again and goes on from what it finds.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Random } from "../../../shared/random/random.ts";
import { type Cell, cellPath } from "../bucket.ts";
import { codes } from "../codes.ts";
import { syncFoldersOf, writeFirst, writeWhole } from "../files/durable.ts";
import { parquetOf } from "../files/parquet.ts";
import { Positions } from "../positions.ts";
import type { Row } from "../row.ts";
import { boundsOf } from "./bounds.ts";
import {
  type DataFile,
  type ManifestEntry,
  type ManifestOf,
  manifestBytes,
  manifestListBytes,
  manifestOf,
  readManifest,
  readManifestList,
} from "./manifest.ts";
import {
  advance,
  bucketsOf,
  currentSnapshot,
  emptyTable,
  erasedProperty,
  offsetsProperty,
  type Snapshot,
  type TableMetadata,
  topicIdsProperty,
  totalOf,
} from "./metadata.ts";
import { TableFiles } from "./table-files.ts";

/** What the writer stands on. */
export interface TableTools {
  readonly clock: Clock;
  readonly random: Random;
  /** Snapshots that are older are dropped with the next commit. */
  readonly keepSnapshotsMs: number;
}

/** What becomes of the table in one step. */
export interface Change {
  /** As Iceberg calls it. */
  readonly operation: "append" | "replace" | "overwrite" | "delete";
  readonly add: readonly CellRows[];
  /** Files that are in it no more. */
  readonly remove?: readonly DataFile[];
  /** Undefined: as before. */
  readonly positions?: Positions;
  /** Of erased vehicles; undefined: as before. */
  readonly erased?: string;
  /** No snapshot but this one stays. */
  readonly alone?: boolean;
}

/** Rows of one cell: one file. */
export interface CellRows {
  readonly cell: Cell;
  readonly rows: readonly Row[];
}

export class Table {
  private constructor(
    readonly files: TableFiles,
    private readonly tools: TableTools,
    private version: number,
    private state: TableMetadata,
  ) {}

  /** Makes it when it is not there. @throws AppError `CENTRAL_LAKE_TABLE`, or the system's error. */
  static open(folder: string, buckets: number, tools: TableTools): Table {
    const files = new TableFiles(folder);
    mkdirSync(files.metadataFolder, { recursive: true });
    const found = files.latest();
    if (found !== undefined) return new Table(files, tools, found.version, found.metadata);
    const metadata = emptyTable(files.uri(folder), buckets, tools.clock.now());
    if (!writeFirst(files.metadata(1), Buffer.from(JSON.stringify(metadata))))
      return Table.open(folder, buckets, tools);
    return new Table(files, tools, 1, metadata);
  }

  get metadata(): TableMetadata {
    return this.state;
  }

  get buckets(): number {
    return bucketsOf(this.state);
  }

  /** @throws AppError `CENTRAL_LAKE_TABLE`. */
  positions(): Positions {
    const summary = currentSnapshot(this.state)?.summary;
    return Positions.of(summary?.[offsetsProperty], summary?.[topicIdsProperty]);
  }

  /** Those of the current snapshot. */
  dataFiles(): DataFile[] {
    return this.entriesOf(this.manifests()).map(({ file }) => file);
  }

  /** @throws AppError `CENTRAL_LAKE_FENCED` when somebody else has committed; the system's error: open it again. */
  commit(change: Change): void {
    if (!existsSync(this.files.metadata(this.version))) throw this.away();
    const parent = currentSnapshot(this.state);
    const snapshot = 1 + Math.floor(this.tools.random.next() * 2 ** 52);
    const sequence = this.state["last-sequence-number"] + 1;
    const added = change.add.map((rows) => this.write(rows, snapshot, sequence));
    const manifests = this.nextManifests(added, change, { snapshot, sequence });
    const list = join(this.files.metadataFolder, `snap-${snapshot}-${crypto.randomUUID()}.avro`);
    const parentId = parent?.["snapshot-id"];
    writeWhole(list, manifestListBytes(manifests, { snapshot, parent: parentId, sequence }));
    syncFoldersOf([...added.map(({ path }) => this.files.path(path)), list]);
    // Never before the last one, whatever the clock does.
    const nowMs = Math.max(this.tools.clock.now(), this.state["last-updated-ms"] + 1);
    const next: Snapshot = {
      "snapshot-id": snapshot,
      ...(parentId === undefined ? {} : { "parent-snapshot-id": parentId }),
      "sequence-number": sequence,
      "timestamp-ms": nowMs,
      summary: this.summary(change, added),
      "manifest-list": this.files.uri(list),
      "schema-id": 0,
    };
    const metadata = advance(this.state, next, {
      before: this.files.uri(this.files.metadata(this.version)),
      keepFromMs: change.alone ? Number.POSITIVE_INFINITY : nowMs - this.tools.keepSnapshotsMs,
      properties: change.erased === undefined ? {} : { [erasedProperty]: change.erased },
    });
    // Its disk may have gone meanwhile: in the folder below the mount the next one would be a table without its files.
    if (!existsSync(this.files.metadata(this.version))) throw this.away();
    const path = this.files.metadata(this.version + 1);
    if (!writeFirst(path, Buffer.from(JSON.stringify(metadata)))) {
      throw new AppError(codes.CENTRAL_LAKE_FENCED, `commit ${path}: it is there already`);
    }
    this.version++;
    this.state = metadata;
    writeFileSync(this.files.hint, `${this.version}`); // Only a hint: the next commit writes it again.
  }

  private away(): AppError {
    return new AppError(
      codes.CENTRAL_LAKE_AWAY,
      `commit to ${this.files.folder}: its last state is not there any more`,
    );
  }

  private write({ cell, rows }: CellRows, snapshot: number, sequence: number): DataFile {
    const bytes = parquetOf(rows);
    const path = join(this.files.dataFolder, cellPath(cell), `${crypto.randomUUID()}.parquet`);
    writeWhole(path, bytes);
    const size = { rows: rows.length, bytes: bytes.length };
    return { path: this.files.uri(path), ...cell, ...size, addedBy: snapshot, sequence, ...boundsOf(rows) };
  }

  /** An append adds a manifest. Whatever takes files out writes one that holds all that stay: so their number stays small. */
  private nextManifests(
    added: readonly DataFile[],
    { remove = [], alone = false }: Change,
    { snapshot, sequence }: { readonly snapshot: number; readonly sequence: number },
  ): ManifestOf[] {
    const before = this.manifests();
    const entries: ManifestEntry[] = added.map((file) => ({ status: "added", file }));
    // Alone: what an earlier manifest says of files that are gone, names of vehicles among it, goes too.
    const isRewritten = remove.length > 0 || alone;
    if (isRewritten) {
      const gone = new Set(remove.map(({ path }) => path));
      for (const { file } of this.entriesOf(before)) {
        entries.push(gone.has(file.path) ? { status: "deleted", file } : { status: "existing", file });
      }
    }
    if (entries.length === 0) return before;
    const path = join(this.files.metadataFolder, `${crypto.randomUUID()}-m0.avro`);
    const bytes = manifestBytes(entries, this.buckets, snapshot);
    writeWhole(path, bytes);
    const written = manifestOf({ path: this.files.uri(path), bytes: bytes.length, snapshot, sequence }, entries);
    return isRewritten ? [written] : [...before, written];
  }

  private summary({ operation, remove = [], positions }: Change, added: readonly DataFile[]): Snapshot["summary"] {
    const before = currentSnapshot(this.state)?.summary;
    const sum = (files: readonly DataFile[], of: (file: DataFile) => number) =>
      files.reduce((all, file) => all + of(file), 0);
    const totals: Record<string, string> = {};
    const count = (name: "records" | "data-files" | "files-size", of: (file: DataFile) => number) => {
      const [plus, minus] = [sum(added, of), sum(remove, of)];
      totals[`added-${name}`] = `${plus}`;
      totals[name === "files-size" ? "removed-files-size" : `deleted-${name}`] = `${minus}`;
      totals[`total-${name}`] = `${totalOf(this.state, name) + plus - minus}`;
    };
    count("records", ({ rows }) => rows);
    count("data-files", () => 1);
    count("files-size", ({ bytes }) => bytes);
    return {
      operation,
      ...totals,
      [offsetsProperty]: positions?.offsetsText ?? before?.[offsetsProperty] ?? "{}",
      [topicIdsProperty]: positions?.idsText ?? before?.[topicIdsProperty] ?? "{}",
    };
  }

  private manifests(): ManifestOf[] {
    const list = currentSnapshot(this.state)?.["manifest-list"];
    return list === undefined ? [] : readManifestList(this.files.path(list));
  }

  private entriesOf(manifests: readonly ManifestOf[]): ManifestEntry[] {
    return manifests
      .flatMap(({ path }) => readManifest(this.files.path(path)))
      .filter(({ status }) => status !== "deleted");
  }
}
