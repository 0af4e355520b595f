import { isAbsolute, resolve } from "node:path";

/**
 * The folder that relative paths of a config mean: the one the config file lies in, wherever the process was started.
 *
 * Zod gives a field no way to know which file its value came from, so whoever validates a config says it for the
 * duration of that (synchronous) validation. Outside of one it is the working directory.
 */
let current: string | undefined;

/** Runs `validate` with relative paths meaning `directory`. Synchronous: nothing else can run in between. */
export function withBaseDirectory<T>(directory: string, validate: () => T): T {
  const before = current;
  current = directory;
  try {
    return validate();
  } finally {
    current = before;
  }
}

/** The absolute path of what a config wrote. */
export function resolvePath(written: string): string {
  return isAbsolute(written) ? resolve(written) : resolve(current ?? process.cwd(), written);
}
