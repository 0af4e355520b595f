/**
 * fallocate(2): space on the disk without writing it. Neither Bun nor Node offers it; the C library does. On a gateway's
 * flash the difference is 32 MB of wear at the first start.
 */
import { dlopen } from "bun:ffi";

/** glibc, then musl by its architectures. */
const libraries = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/**
 * Gives the open file `bytes` of space, from its beginning. False when that is not to be had this way (a file system
 * without it, no room, no C library that we know): whoever asked writes then, and hears what is wrong.
 */
export function allocate(file: number, bytes: number): boolean {
  for (const name of libraries) {
    try {
      const library = dlopen(name, { fallocate: { args: ["i32", "i32", "i64", "i64"], returns: "i32" } });
      const answer = library.symbols.fallocate(file, 0, 0, bytes);
      library.close();
      return answer === 0;
    } catch {
      // Another C library, then.
    }
  }
  return false;
}
