/**
 * Where a table's files are, and which of its metadata files is the last one. A commit is the file with the next number: whoever
 * makes it first has committed, and nobody makes it twice. `version-hint.text` saves readers without a catalog a look; what
 * counts is the highest number.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";
import { TableMetadata } from "./metadata.ts";

/** A metadata file that was read. */
export interface MetadataFile {
  readonly version: number;
  readonly metadata: TableMetadata;
}

const versionName = /^v(\d+)\.metadata\.json$/;

export class TableFiles {
  /** @param folder the table's, absolute. */
  constructor(readonly folder: string) {}

  get metadataFolder(): string {
    return join(this.folder, "metadata");
  }

  get dataFolder(): string {
    return join(this.folder, "data");
  }

  get hint(): string {
    return join(this.metadataFolder, "version-hint.text");
  }

  metadata(version: number): string {
    return join(this.metadataFolder, `v${version}.metadata.json`);
  }

  /** As metadata and manifests name it. */
  uri(path: string): string {
    return `file://${path}`;
  }

  /** The other way. */
  path(uri: string): string {
    return uri.replace(/^file:\/\//, "");
  }

  /** Undefined: there is no table yet. @throws AppError `CENTRAL_LAKE_TABLE`, or the system's error. */
  latest(): MetadataFile | undefined {
    const version = this.versions().at(-1);
    if (version === undefined) return undefined;
    const path = this.metadata(version);
    const text = readFileSync(path, "utf8");
    try {
      return { version, metadata: TableMetadata.parse(JSON.parse(text)) };
    } catch (thrown) {
      throw new AppError(codes.CENTRAL_LAKE_TABLE, `read ${path}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  /** Ascending. */
  versions(): number[] {
    return namesOf(this.metadataFolder)
      .flatMap((name) => versionName.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }
}

/** None where there is no such folder yet. */
function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  }
}
