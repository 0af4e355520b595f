/** What a file is to the config that names it. */
export type FileUse =
  /** Must not be read by others. */
  | "secret"
  /** Its text becomes a value, as that of a certificate does. */
  | "value"
  /** It is run. */
  | "program";

let recorded: Map<string, FileUse> | undefined;

/** A config's validation has read this file. Outside of `recordingFiles` nobody wants to know. */
export function noteFile(path: string, use: FileUse): void {
  if (recorded?.get(path) !== "secret") recorded?.set(path, use);
}

/** Runs a (synchronous) validation; answers what it answers, and the files that it has read beside the config. */
export function recordingFiles<T>(validate: () => T): {
  readonly value: T;
  readonly files: ReadonlyMap<string, FileUse>;
} {
  const before = recorded;
  const files = new Map<string, FileUse>();
  recorded = files;
  try {
    return { value: validate(), files };
  } finally {
    recorded = before;
  }
}
