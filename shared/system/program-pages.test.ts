import { expect, test } from "bun:test";
import { codeRanges, releaseProgramPages } from "./program-pages.ts";

const maps = `00200000-02000000 r--p 00000000 fe:00 4711                               /opt/tail gate
02000000-05e00000 r-xp 01e00000 fe:00 4711                               /opt/tail gate
05e00000-06400000 rw-p 05c00000 fe:00 4711                               /opt/tail gate
7f0000000000-7f0000200000 rwxp 00000000 00:00 0
7ffff7c28000-7ffff7dbd000 r-xp 00028000 fe:00 1234                       /usr/lib/libc.so.6
7ffffffde000-7ffffffff000 r-xp 00000000 00:00 0                          [vdso]
`;

test("only code of the program itself is taken: not what may have been written, not libraries, not compiled JavaScript", () => {
  expect(codeRanges(maps, "/opt/tail gate")).toEqual([{ start: 0x02000000n, bytes: 0x03e00000n }]);
  expect(codeRanges(maps, "/opt/other")).toEqual([]);
  expect(codeRanges("", "/opt/other")).toEqual([]);
});

test("a process goes on after its code was given back", () => {
  expect(releaseProgramPages()).toBe(true);
  expect([3, 1, 2].sort()).toEqual([1, 2, 3]);
});
