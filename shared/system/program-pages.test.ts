import { expect, test } from "bun:test";
import { codeRanges, releaseProgramPages } from "./program-pages.ts";

const maps = `00200000-02000000 r--p 00000000 fe:00 4711                               /opt/tail gate
02000000-05e00000 r-xp 01e00000 fe:00 4711                               /opt/tail gate
05e00000-06400000 rw-p 05c00000 fe:00 4711                               /opt/tail gate
7f0000000000-7f0000200000 rwxp 00000000 00:00 0
7ffff7c28000-7ffff7dbd000 r-xp 00028000 fe:00 1234                       /usr/lib/libc.so.6
7ffff7e00000-7ffff7e01000 r-xp 00028000 fe:00 1235                       /run/tailgate/.bun-0-f55790aa0cbf6090.node
7ffff7f00000-7ffff7f10000 r--p 00028000 fe:00 1236                       /usr/lib/libm.so.6
7ffffffde000-7ffffffff000 r-xp 00000000 00:00 0                          [vdso]
`;

test("code of the program and its libraries is taken: not what may have been written, not what was unpacked, not compiled JavaScript", () => {
  const library = { start: 0x7ffff7c28000n, bytes: 0x195000n };
  expect(codeRanges(maps, "/opt/tail gate")).toEqual([{ start: 0x02000000n, bytes: 0x03e00000n }, library]);
  expect(codeRanges(maps, "/opt/other")).toEqual([library]);
  expect(codeRanges("", "/opt/other")).toEqual([]);
});

test("a process goes on after its code was given back", () => {
  expect(releaseProgramPages()).toBe(true);
  expect([3, 1, 2].sort()).toEqual([1, 2, 3]);
});
