import { childOf } from "../../../shared/files/path-text.ts";
import type { SourceContext } from "../../core/context.ts";
import type { FileId, FileReader, SharedFile } from "../../core/file-readers.ts";
import type { Candidate } from "./candidates.ts";

interface Listed {
  readonly id: FileId;
  readonly path: string;
}

/** What lies in the spool directory, for the agent's other sources: they may read the same files. */
export class ListedFiles implements FileReader {
  readonly name: string;
  private listed = new Map<string, Listed>();

  constructor(
    private readonly folder: string,
    private readonly context: SourceContext,
  ) {
    this.name = context.name;
    context.fileReaders.join(this, context.metrics);
  }

  pathOf(id: FileId): string | undefined {
    return this.listed.get(keyOf(id))?.path;
  }

  /** All that was found in one look. */
  note(all: readonly Candidate[]): void {
    const { fileReaders } = this.context;
    const before = this.listed;
    this.listed = new Map(
      all.map(({ key, inode, device }) => {
        const id = { inode: BigInt(inode), device };
        return [keyOf(id), { id, path: childOf(this.folder, key) }];
      }),
    );
    for (const [key, { id, path }] of this.listed) if (!before.has(key)) fileReaders.took(this, id, path);
    for (const [key, { id }] of before) if (!this.listed.has(key)) fileReaders.letGo(this, id);
  }

  /** For the status. */
  get shared(): readonly SharedFile[] {
    return this.context.fileReaders.sharedBy(this);
  }

  leave(): void {
    this.context.fileReaders.leave(this);
  }
}

function keyOf({ device, inode }: FileId): string {
  return `${device}:${inode}`;
}
