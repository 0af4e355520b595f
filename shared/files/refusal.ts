/** A file that the system would give us and that we do not take. */
export class FileRefused extends Error {
  override readonly name = "FileRefused";
  constructor(
    readonly path: string,
    /** What it is, for people: completes "it is …". */
    readonly reason: string,
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

/** One that never came to a call (a path of more than 4,095 bytes) has a number and names no call. */
function isSystemError(thrown: unknown): thrown is Error & { readonly code: unknown } {
  return thrown instanceof Error && "code" in thrown && ("syscall" in thrown || "errno" in thrown);
}
