import { z } from "zod";

/**
 * How far a file was read and how to know it again, as it is stored. One row a file under a key that is never reused
 * while it is stored; keys ascend in the order of the files' ages within a trail (see DESIGN.md).
 */
const Fingerprint = z.object({ length: z.int().nonnegative(), hash: z.string() });

const Cursor = z.object({
  /** Where it was seen last: a word for people, and the directory to look in. */
  path: z.string(),
  /** The name it is a generation of: `driving.log` for `driving.log.1`. */
  trail: z.string(),
  /** Decimal text: inodes do not fit into a number. */
  inode: z.string(),
  /** A hint only: it changes with mounts and reboots. */
  device: z.string(),
  /** The first byte that was not yet appended. */
  offset: z.int().nonnegative(),
  /** Its size when it was looked at last: what lies between offset and size is known to be unread. */
  size: z.int().nonnegative(),
  /** Over the first bytes of the file. */
  head: Fingerprint,
  /** Over the bytes before the offset. */
  tail: Fingerprint,
  /** The offset stands inside a line that was cut. */
  skipping: z.literal(true).optional(),
  /** Events that end behind the offset and were appended all the same: see `Splitter.given`. */
  given: z.int().positive().optional(),
  /** Known, and not to be read: there before us, or a copy of what was read. */
  aside: z.literal(true).optional(),
  /** The link that the config asks for, when the trail is what it leads to. */
  link: z.string().optional(),
  /** Another name of it, in another folder. */
  otherName: z.string().optional(),
});

/** What is stored of a file: how to know it again, and where to go on. */
export type Cursor = z.output<typeof Cursor>;

/** The text that is stored. */
export function formatCursor(cursor: Cursor): string {
  return JSON.stringify(cursor);
}

/** Reads a stored text; undefined when it is none of ours. */
export function parseCursor(text: string): Cursor | undefined {
  try {
    return Cursor.safeParse(JSON.parse(text)).data;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
