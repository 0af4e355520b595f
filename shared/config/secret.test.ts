import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { z } from "zod";
import { withPipes } from "../files/read-named.ts";
import { tempDir } from "../testing/temp-dir.ts";
import { withBaseDirectory } from "./base-directory.ts";
import { duration } from "./duration.ts";
import { pem } from "./pem.ts";
import { redact } from "./redact.ts";
import { secret } from "./secret.ts";

test("a secret is a text", () => {
  expect(secret().parse("hunter2")).toBe("hunter2");
});

test("a secret is read from a file beside the config, without the line end", () => {
  using dir = tempDir();
  writeFileSync(dir.file("password"), "hunter2\n");
  expect(withBaseDirectory(dir.path, () => secret().parse({ file: "password" }))).toBe("hunter2");
});

test("a secret's file that is not there is an error that names it", () => {
  using dir = tempDir();
  const message = secret().safeParse({ file: dir.file("absent") }).error?.issues[0]?.message;
  expect(message).toContain(dir.file("absent"));
  expect(message).toContain("ENOENT");
});

test("a FIFO in the place of a secret or a certificate is refused where nobody may wait", () => {
  using dir = tempDir();
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  for (const field of [secret(), pem()]) {
    const said = withPipes("refuse", () => field.safeParse({ file: dir.file("fifo") })).error?.issues[0]?.message;
    expect(said).toMatch(/^read the secret from .*: it is a FIFO/);
  }
});

test("an empty secret is refused, and so is another type", () => {
  expect(secret().safeParse("").error?.issues[0]?.message).toBe("the secret is empty");
  expect(secret().safeParse(5).error?.issues[0]?.message).toBe("not a secret: write a text or { file: path }");
});

test("redaction finds secrets wherever they stand, and nothing else", () => {
  const schema = z.strictObject({
    user: z.string(),
    password: secret().meta({ description: "The password." }),
    token: secret().optional(),
    absent: secret().optional(),
    tls: z.strictObject({ passphrase: secret().default("x") }).optional(),
    keys: z.array(secret()),
    named: z.record(z.string(), secret()),
    either: z.union([z.strictObject({ secret: secret() }), z.string()]),
    wait: duration(),
  });
  const value = schema.parse({
    user: "gw",
    password: "a",
    token: "b",
    tls: { passphrase: "c" },
    keys: ["d"],
    named: { one: "e" },
    either: { secret: "f" },
    wait: "1s",
  });
  expect(redact(schema, value)).toEqual({
    user: "gw",
    password: "***",
    token: "***",
    tls: { passphrase: "***" },
    keys: ["***"],
    named: { one: "***" },
    either: { secret: "***" },
    wait: 1_000,
  });
});
