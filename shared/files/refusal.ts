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
  return thrown instanceof FileRefused || (thrown instanceof Error && "code" in thrown && "syscall" in thrown);
}

/** The system's word (`ENOENT`); undefined when it is not the system's error. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && "syscall" in thrown ? String(thrown.code) : undefined;
}
