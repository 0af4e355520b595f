import { z } from "zod";

/** A file that a lane writes: how far it is acknowledged, and until which event time it is for. */
export interface MarkedFile {
  readonly bytes: number;
  readonly untilMs: number | undefined;
}

/** Which folder files in progress lie in. */
export interface FolderId {
  /** Without links. A disk that is mounted there, or not, makes it another folder. */
  readonly path: string;
  readonly inode: string;
  /** May be another one after each boot. */
  readonly device: string;
  /** Nanoseconds; undefined where a file system keeps no such time. */
  readonly born: string | undefined;
}

/** What is acknowledged of the files in one folder. */
export interface FolderMark {
  /** Undefined: whichever is there. Nothing was acknowledged yet, or an older version wrote the mark. */
  readonly folder: FolderId | undefined;
  readonly files: ReadonlyMap<string, MarkedFile>;
  /** Files from this number on were begun after what is acknowledged. */
  readonly serial: number;
  /** It was said that another folder is in its place. */
  readonly said: boolean;
}

/** The note that goes with an acknowledgement: the folder that is written, and those that were written before, the newest last. */
export interface FilesMark extends Omit<FolderMark, "said"> {
  readonly former: readonly FolderMark[];
}

const Folder = z.object({ path: z.string(), inode: z.string(), device: z.string(), born: z.string().optional() });
const Files = z.object({
  serial: z.number().int().min(0),
  files: z.record(z.string(), z.tuple([z.number().int().min(0), z.number().nullable()])),
});
const Written = Files.extend({
  folder: Folder.optional(),
  former: z.array(Files.extend({ folder: Folder, said: z.boolean() })).default([]),
});

/** As text, for `LaneNotes.mark`. */
export function formatMark({ files, serial, folder, former }: FilesMark): string {
  const others = former.map((each) => ({ ...each, files: written(each.files) }));
  return JSON.stringify({ serial, files: written(files), folder, former: others.length === 0 ? undefined : others });
}

/** Before anything was acknowledged. */
export const noMark: FilesMark = { folder: undefined, files: new Map(), serial: 0, former: [] };

/** Reads it back; undefined when it is none of ours (the lane was drained by another sink before). */
export function parseMark(text: string): FilesMark | undefined {
  const mark = Written.safeParse(parseJson(text)).data;
  if (mark === undefined) return undefined;
  const former = mark.former.map((each) => ({ ...each, folder: idOf(each.folder), files: filesOf(each.files) }));
  const folder = mark.folder === undefined ? undefined : idOf(mark.folder);
  return { serial: mark.serial, files: filesOf(mark.files), folder, former };
}

function idOf({ path, inode, device, born }: z.output<typeof Folder>): FolderId {
  return { path, inode, device, born };
}

function written(files: ReadonlyMap<string, MarkedFile>): z.output<typeof Files>["files"] {
  return Object.fromEntries([...files].map(([name, { bytes, untilMs }]) => [name, [bytes, untilMs ?? null]]));
}

function filesOf(files: z.output<typeof Files>["files"]): ReadonlyMap<string, MarkedFile> {
  const entries = Object.entries(files);
  return new Map(entries.map(([name, [bytes, untilMs]]) => [name, { bytes, untilMs: untilMs ?? undefined }]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
