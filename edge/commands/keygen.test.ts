import { expect, test } from "bun:test";
import { readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { AppError } from "../../shared/errors/app-error.ts";
import { parseKeyList } from "../../shared/signature/key-list.ts";
import { readSigningKey } from "../../shared/signature/keys.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { readArguments } from "./command.ts";
import { keygen } from "./keygen.ts";

function run(...args: readonly string[]): string {
  let out = "";
  keygen.run(readArguments(keygen, args), {
    registry: fakeRegistry,
    environment: {},
    out: (text) => {
      out += text;
    },
    outBytes: async () => {},
    err: () => {},
  });
  return out;
}

test("writes a key for its owner's eyes alone, and prints the line that the centre reads", () => {
  using dir = tempDir();
  const file = dir.file("key.pem");
  const { keys, mistakes } = parseKeyList(run("gw-1", file));
  const written = readSigningKey(readFileSync(file, "utf8"));
  expect(mistakes).toEqual([]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect([...(keys.get("gw-1")?.keys() ?? [])]).toEqual([written.ok ? written.value.id.toString("hex") : ""]);
});

test("writes over no file, follows no link that was put there, and takes no name that is none", () => {
  using dir = tempDir();
  writeFileSync(dir.file("there"), "mine");
  symlinkSync(dir.file("target"), dir.file("link"));
  for (const args of [
    ["gw-1", dir.file("there")],
    ["gw-1", dir.file("link")],
    ["gw/1", dir.file("new")],
    ["gw-1", dir.file("no/folder")],
  ]) {
    expect(() => run(...args)).toThrow(AppError);
  }
  expect(readFileSync(dir.file("there"), "utf8")).toBe("mine");
});
