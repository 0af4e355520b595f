import { realpathSync } from "node:fs";
import { textOf } from "./path-text.ts";

/** The path without links, whoever made them; the path itself while nothing is there. For what only an owner writes. */
export function realOf(path: string): string {
  try {
    return textOf(realpathSync.native(path, { encoding: "buffer" }));
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return path;
    throw thrown;
  }
}
