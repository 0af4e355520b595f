import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { packagesOf } from "./packages.ts";
import { checkRuntime, knownRuntimes, lockedIntegrity } from "./runtimes.ts";
import { billOfMaterials, licenceNotices } from "./sbom.ts";
import { signFile } from "./sign.ts";

const root = join(import.meta.dir, "../..");

describe("the runtime", () => {
  test("is known for the version of Bun that the project has, by packages whose hashes the lock file has", () => {
    const { version, runtimes } = knownRuntimes();
    expect(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).dependencies.bun).toBe(version);
    for (const { package: spec, integrity } of Object.values(runtimes)) {
      const name = spec.slice(0, spec.lastIndexOf("@"));
      // The baseline build is in no lock file: Bun's own package does not name it.
      if (!name.endsWith("-baseline")) expect([name, lockedIntegrity(name)]).toEqual([name, integrity]);
    }
  });

  test("that was changed by one byte is not built in", async () => {
    using dir = tempDir();
    writeFileSync(dir.file("bun"), "a runtime");
    const sha256 = new Bun.CryptoHasher("sha256").update("a runtime").digest("hex");
    const runtimes = { "bun-linux-x64": { package: "p@1", integrity: "sha512-x", sha256 } };
    const list = { version: Bun.version, runtimes };
    await checkRuntime("bun-linux-x64", dir.file("bun"), list);
    appendFileSync(dir.file("bun"), "!");
    await expect(checkRuntime("bun-linux-x64", dir.file("bun"), list)).rejects.toMatchObject({ code: "BUILD_FAILED" });
    await expect(checkRuntime("bun-linux-x64", dir.file("bun"), { ...list, version: "1.0.0" })).rejects.toThrow(
      "1.0.0",
    );
  });
});

describe("a build's papers", () => {
  const packages = packagesOf(root);

  test("name every package that goes into a binary, with its hash and its licence", () => {
    const bill = JSON.parse(billOfMaterials("1.2.3", packages, knownRuntimes()));
    const names = bill.components.map(({ name }: { name: string }) => name);
    for (const name of ["hono", "kafkajs", "better-sqlite3", "zod", "yaml", "bun-linux-arm64-musl"])
      expect(names).toContain(name);
    expect(names).not.toContain("@biomejs/biome");
    expect(bill).toMatchObject({ bomFormat: "CycloneDX", specVersion: "1.6" });
    for (const { hashes } of bill.components) expect(hashes[0].content).toMatch(/^[\da-f]{64}([\da-f]{64})?$/);
    expect(billOfMaterials("1.2.3", packages, knownRuntimes())).toBe(`${JSON.stringify(bill, undefined, 2)}\n`);
    const notices = licenceNotices(packages);
    for (const { name, version } of packages) expect(notices).toContain(`${name} ${version}`);
    expect(notices).toContain("Permission is hereby granted");
  });

  test("say our own licence, whose whole text lies in the repository", () => {
    const { license } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const text = readFileSync(join(root, "LICENSE"), "utf8");
    expect(license).toBe("Apache-2.0");
    expect(text).toMatch(/^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
    expect(text).toContain("END OF TERMS AND CONDITIONS");
    const { metadata } = JSON.parse(billOfMaterials("1.2.3", packages, knownRuntimes()));
    expect(metadata.component.licenses).toEqual([{ expression: license }]);
    expect(licenceNotices(packages)).toContain("Apache License 2.0 (LICENSE)");
  });
});

describe("a signature of the sums", () => {
  test("is what openssl takes, and of these sums alone", () => {
    using dir = tempDir();
    const [key, file, sig, pub] = ["key.pem", "SHA256SUMS", "SHA256SUMS.sig", "pub.pem"].map((name) => dir.file(name));
    if (key === undefined || file === undefined || sig === undefined || pub === undefined) throw new Error("no paths");
    expect(Bun.spawnSync(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key]).exitCode).toBe(0);
    writeFileSync(file, "abc  tailgate\n");
    const { signature, publicKey } = signFile(file, key);
    writeFileSync(sig, signature);
    writeFileSync(pub, publicKey);
    const verify = () =>
      Bun.spawnSync(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", pub, "-rawin", "-in", file, "-sigfile", sig])
        .exitCode;
    expect(verify()).toBe(0);
    appendFileSync(file, "def  other\n");
    expect(verify()).not.toBe(0);
    expect(() => signFile(file, sig)).toThrow("no private key");
  });
});
