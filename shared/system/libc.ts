/**
 * The C library of this process, for the few calls that neither Bun nor Node offers.
 *
 * glibc is found as libc.so.6, musl as libc.musl-<architecture>.so.1. (musl answers to libc.so.6 as well: its loader
 * takes any name that begins with `libc.` for itself.) The plain name libc.so is left out: beside glibc it is a text
 * for the linker, and what is not found in the system's folders Bun looks for in the working directory.
 */
import { dlopen, type FFIFunction, type Library } from "bun:ffi";
import { closeSync, openSync, readSync } from "node:fs";
import { AppError, messageOf } from "../errors/app-error.ts";

/** What each C library is called, glibc first. */
export const libcNames: readonly string[] = [
  "libc.so.6",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
];

/** The loader's name stands in the first page of a program. */
const headBytes = 4096;

/**
 * Functions of the C library, called as declared.
 *
 * @throws AppError `LIBC_MISSING`, with the names that were tried and what each of them said.
 */
export function openLibc<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
  names: readonly string[] = libcNames,
): Library<Functions> {
  const refusals: unknown[] = [];
  for (const name of names) {
    try {
      return dlopen(name, functions);
    } catch (refusal) {
      refusals.push(refusal);
    }
  }
  const said = names.map((name, at) => `${name}: ${messageOf(refusals[at])}`).join("; ");
  throw new AppError("LIBC_MISSING", `open the C library for ${Object.keys(functions).join(", ")}: ${said}`);
}

/**
 * Whether this program runs on musl: its own ELF header names the loader (PT_INTERP, elf(5)). That a musl loader is
 * installed says nothing, it may lie beside glibc.
 */
export function runsOnMusl(program: string = process.execPath): boolean {
  const file = openSync(program, "r");
  try {
    const head = Buffer.alloc(headBytes);
    readSync(file, head, 0, headBytes, 0);
    return head.includes("/ld-musl-");
  } finally {
    closeSync(file);
  }
}
