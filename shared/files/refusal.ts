/** A file that the system would give us and that we do not take. */
export class FileRefused extends Error {
  override readonly name = "FileRefused";
  constructor(
    readonly path: string,
    /** What it is, for people: completes "it is …". */
    readonly reason: string,
    /** What to do. */
    readonly hint?: string,
  ) {
    super(`it is ${reason}`);
  }
}

/** Whether the world is to blame and not a mistake of ours: the system refused, or we refused a file. */
export function isFileTrouble(thrown: unknown): thrown is Error {
  return thrown instanceof FileRefused || isSystemError(thrown);
}

/** The system's word (`ENOENT`); undefined when it is not the system's error. */
export function systemCode(thrown: unknown): string | undefined {
  return isSystemError(thrown) ? String(thrown.code) : undefined;
}

/** What to do about a file that somebody named and that cannot be read; undefined: the message says all there is. */
export function fileHint(thrown: unknown): string | undefined {
  if (thrown instanceof FileRefused) return thrown.hint;
  switch (systemCode(thrown)) {
    case "EACCES":
      return "the user that this runs as may not read it";
    case "EISDIR":
      return "it is a folder: name the file in it";
    case "ELOOP":
      return "its links lead in a circle: name the file itself";
    default:
      return undefined;
  }
}

/** One that never came to a call (a path of more than 4,095 bytes) has a number and names no call. */
function isSystemError(thrown: unknown): thrown is Error & { readonly code: unknown } {
  return thrown instanceof Error && "code" in thrown && ("syscall" in thrown || "errno" in thrown);
}
