import { closeSync, openSync } from "node:fs";

/**
 * Why this process can open nothing more: `EMFILE` (its own limit) or `ENFILE` (the machine's); undefined when it can.
 * A socket that could not be made for that reason is reported as ECONNREFUSED by Bun, as if nobody listened.
 */
export function descriptorShortage(): string | undefined {
  try {
    closeSync(openSync("/dev/null", "r"));
    return undefined;
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
    return code === "EMFILE" || code === "ENFILE" ? code : undefined;
  }
}
