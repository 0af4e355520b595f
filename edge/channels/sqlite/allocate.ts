/**
 * fallocate(2): space on the disk without writing it. Neither Bun nor Node offers it; the C library does. On a gateway's
 * flash the difference is 32 MB of wear at the first start.
 */
import { hasCode } from "../../../shared/errors/app-error.ts";
import { openLibc } from "../../../shared/system/libc.ts";

/**
 * Gives the open file `bytes` of space, from its beginning. False when that is not to be had this way (a file system
 * without it, no room, no C library that we know): whoever asked writes then, and hears what is wrong.
 */
export function allocate(file: number, bytes: number): boolean {
  try {
    const libc = openLibc({ fallocate: { args: ["i32", "i32", "i64", "i64"], returns: "i32" } });
    const answer = libc.symbols.fallocate(file, 0, 0, bytes);
    libc.close();
    return answer === 0;
  } catch (thrown) {
    if (hasCode(thrown, "LIBC_MISSING")) return false;
    throw thrown;
  }
}
