/**
 * Gives back the pages of code, the program's and its libraries', that only its start needed.
 *
 * A start runs once through a large part of the runtime; each page it touched, and the fifteen beside it, stays mapped
 * and counts as resident for as long as the process lives. Unmapped they stay in the kernel's page cache while there is
 * room, and come back one by one when they are needed again (a minor fault, no disk).
 *
 * Only code is taken: it is never written, so the file has all of it. Mappings that are read-only now may have been
 * relocated before, and would lose that. And only code of files that are put in place whole: what was unpacked at the start
 * (the SQLite addon) lies in a folder of temporary files, where somebody might write into it.
 */
import { readFileSync } from "node:fs";
import { hasCode } from "../errors/app-error.ts";
import { openLibc } from "./libc.ts";

/** MADV_DONTNEED of madvise(2). */
const dontNeed = 4;

/** Where code of the running program and of its shared libraries lies in memory, from /proc/self/maps (proc(5)). */
export function codeRanges(
  maps: string,
  program: string,
): readonly { readonly start: bigint; readonly bytes: bigint }[] {
  return maps.split("\n").flatMap((line) => {
    const [range = "", permissions, , , , ...path] = line.split(/\s+/);
    const name = path.join(" ");
    if (permissions !== "r-xp" || (name !== program && !/^\/.*\.so(\.\d+)*$/.test(name))) return [];
    const [start = "0", end = "0"] = range.split("-");
    return [{ start: BigInt(`0x${start}`), bytes: BigInt(`0x${end}`) - BigInt(`0x${start}`) }];
  });
}

/** Does it. False where that is not to be had: no /proc, or no C library that we know. */
export function releaseProgramPages(): boolean {
  try {
    const ranges = codeRanges(readFileSync("/proc/self/maps", "utf8"), process.execPath);
    const libc = openLibc({ madvise: { args: ["u64", "u64", "i32"], returns: "i32" } });
    const answers = ranges.map(({ start, bytes }) => libc.symbols.madvise(start, bytes, dontNeed));
    libc.close();
    return answers.length > 0 && answers.every((answer) => answer === 0);
  } catch (thrown) {
    if (hasCode(thrown, "LIBC_MISSING")) return false;
    if (thrown instanceof Error && "syscall" in thrown) return false;
    throw thrown;
  }
}
