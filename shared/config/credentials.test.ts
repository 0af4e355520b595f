import { afterEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { tempDir } from "../testing/temp-dir.ts";
import { credentialName, credentialOf, loadCredentialLines } from "./credentials.ts";
import { recordingFiles } from "./files-read.ts";
import { readSecret } from "./secret.ts";

const before = process.env.CREDENTIALS_DIRECTORY;
afterEach(() => {
  if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
  else process.env.CREDENTIALS_DIRECTORY = before;
});

test("each path has a name of its own, which systemd takes", () => {
  const paths = [
    "/etc/tailgate/key",
    "/etc/tailgate_key",
    "/etc/tailgate/ke y",
    "/etc/tailgate/kü",
    `/${"x".repeat(400)}`,
  ];
  const names = paths.map(credentialName);
  expect(new Set(names).size).toBe(paths.length);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9._-]{1,255}$/);
  expect(names[0]).toStartWith("etc_tailgate_key-");
  expect(loadCredentialLines(["/etc/50%/a:b c"])).toMatch(
    /^LoadCredential=etc_50_a_b_c-[\da-f]{8}:\/etc\/50%%\/a:b c\n$/,
  );
});

test("a secret is read from its file, which may have been renewed; from the manager's copy where the file cannot be read", () => {
  using dir = tempDir();
  const [file, folder] = [dir.file("key"), dir.file("credentials")];
  mkdirSync(folder);
  writeFileSync(`${folder}/${credentialName(file)}`, "copied\n");
  expect(readSecret(file)).toMatchObject({ ok: false });
  process.env.CREDENTIALS_DIRECTORY = folder;
  expect(readSecret(file)).toEqual({ ok: true, text: "copied" });
  expect(credentialOf(dir.file("another"))).toBeUndefined();
  // It is one of our own files: nothing may follow it as a log.
  const { files } = recordingFiles(() => readSecret(file, "secret"));
  expect([...files]).toEqual([[`${folder}/${credentialName(file)}`, "value"]]);
  writeFileSync(file, "renewed\n");
  expect(readSecret(file)).toEqual({ ok: true, text: "renewed" });
});
