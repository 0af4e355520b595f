import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { parseKeyList } from "./key-list.ts";
import { makeSigningKey, readPublicKey, readSigningKey } from "./keys.ts";

function made() {
  const read = readSigningKey(makeSigningKey());
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

describe("a signing key", () => {
  test("and its public line have one name", () => {
    const key = made();
    const read = readPublicKey(key.publicText);
    expect(read.ok && read.value.id).toBe(key.id.toString("hex"));
  });

  test("is refused when it is none, or of another kind, and no message holds any of it", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
    for (const [text, why] of [
      ["", "not a private key"],
      ["-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----", "not a private key"],
      [rsa.toString(), "of type rsa"],
    ] as const) {
      const read = readSigningKey(text);
      expect(read.ok ? "" : read.message).toContain(why);
      expect(read.ok ? "" : read.message).not.toContain("c2VjcmV0");
    }
  });
});

describe("a list of keys", () => {
  test("holds several for an agent, and comments", () => {
    const [one, two] = [made(), made()];
    const text = `# the fleet\n\ngw-1 ${one.publicText}  # until May\r\ngw-1 ${two.publicText}\ngw-2\t${one.publicText}\n`;
    const { keys, mistakes } = parseKeyList(text);
    expect(mistakes).toEqual([]);
    expect([...keys].map(([agent, ids]) => [agent, ids.size])).toEqual([
      ["gw-1", 2],
      ["gw-2", 1],
    ]);
  });

  test("says each line that it cannot read", () => {
    const { mistakes } = parseKeyList(
      `gw-1\ngw/2 ${made().publicText}\ngw-3 ed25519:AAAA\ngw-4 ${made().publicText} more\n${"x".repeat(200)} y`,
    );
    expect(mistakes.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
  });
});
