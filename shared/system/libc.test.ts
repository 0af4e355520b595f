import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { AppError } from "../errors/app-error.ts";
import { tempDir } from "../testing/temp-dir.ts";
import { libcNames, openLibc, runsOnMusl } from "./libc.ts";

const getpid = { getpid: { args: [], returns: "i32" } } as const;

test("a function of the C library answers", () => {
  expect(openLibc(getpid).symbols.getpid()).toBe(process.pid);
});

test("a name that is not there is passed over for the next", () => {
  const library = openLibc(getpid, ["libc.absent-1.so.1", ...libcNames]);
  expect(library.symbols.getpid()).toBe(process.pid);
});

test("without any, every name is told with what it said", () => {
  const open = () => openLibc(getpid, ["libc.absent-1.so.1", "libc.absent-2.so.1"]);
  expect(open).toThrow(AppError);
  expect(open).toThrow(/open the C library for getpid: libc\.absent-1\.so\.1: .+; libc\.absent-2\.so\.1: /);
});

test("a function that the C library does not have is named", () => {
  const absent = { tailgate_has_no_such_function: { args: [], returns: "i32" } } as const;
  expect(() => openLibc(absent)).toThrow(/tailgate_has_no_such_function/);
});

test("a program is told by the loader that it names, not by what is installed", () => {
  using dir = tempDir();
  for (const [loader, musl] of [
    ["/lib/ld-musl-aarch64.so.1", true],
    ["/lib64/ld-linux-x86-64.so.2", false],
  ] as const) {
    const program = dir.file("program");
    writeFileSync(program, `\u007fELF\0\0${"\0".repeat(600)}${loader}\0${"x".repeat(10_000)}/ld-musl-later`);
    expect(runsOnMusl(program)).toBe(musl);
  }
});
