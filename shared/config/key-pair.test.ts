import { afterAll, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { makeCertificates } from "../testing/certificates.ts";
import { tempDir } from "../testing/temp-dir.ts";
import { keyPairMistake } from "./key-pair.ts";

const folder = tempDir();
afterAll(() => folder[Symbol.dispose]());
const { client, stranger } = makeCertificates(folder.path);

const encrypted = String(
  createPrivateKey(client.key).export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open" }),
);

test("a certificate with its key is well, encrypted or not", () => {
  expect(keyPairMistake(client)).toBeUndefined();
  expect(keyPairMistake({ ...client, key: encrypted, passphrase: "open" })).toBeUndefined();
});

test.each([
  ["a key of another certificate", { ...client, key: stranger.key }, "key", "not the key of this certificate"],
  ["a text that is no certificate", { ...client, cert: "-----BEGIN CERTIFICATE-----" }, "cert", "not a certificate"],
  ["a text that is no key", { ...client, key: "-----BEGIN PRIVATE KEY-----" }, "key", "not a private key"],
  ["an encrypted key alone", { ...client, key: encrypted }, "passphrase", "missing: the key is encrypted"],
  ["a wrong passphrase", { ...client, key: encrypted, passphrase: "shut" }, "passphrase", "does not open the key"],
] as const)("%s is a mistake of its field", (_, pair, field, words) => {
  expect(keyPairMistake(pair)).toEqual({ field, message: expect.stringContaining(words) });
});
