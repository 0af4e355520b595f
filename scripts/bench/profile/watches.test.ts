import { expect, test } from "bun:test";
import { parseSplit } from "./perf.ts";
import { parseCalls } from "./strace.ts";

test("perf's samples are split by object and thread, the kernel's by function too", () => {
  const text = `
        tailgate  ffffffff815a40a4 __filemap_add_folio ([kernel.kallsyms])
        tailgate           1adf9e6 [unknown] (/dist/cache/linux-x64-1/tailgate)
     HTTP Client           1adf9e6 [unknown] (/dist/cache/linux-x64-1/tailgate)
        tailgate      7f12a40011c0 [unknown] (/tmp/perf-27963.map)
        tailgate           a40011c sqlite3VdbeExec (/tmp/.x-better_sqlite3.node (deleted))
`;
  expect(parseSplit(text)).toEqual({
    objects: [
      { what: "the runtime (interpreter, garbage, zstd, sockets)", share: 0.4 },
      { what: "kernel", share: 0.2 },
      { what: "compiled JavaScript", share: 0.2 },
      { what: "SQLite addon", share: 0.2 },
    ],
    threads: [
      { what: "tailgate", share: 0.8 },
      { what: "HTTP Client", share: 0.2 },
    ],
    kernel: [{ what: "__filemap_add_folio", share: 0.2 }],
  });
});

test("strace's table is read with and without errors, the most frequent call first", () => {
  const text = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.003000          30       100           fsync
 40.00    0.002000           5       400        14 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.005000           0       500        14 total
`;
  expect(parseCalls(text)).toEqual([
    { call: "recvfrom", count: 400 },
    { call: "fsync", count: 100 },
  ]);
});
