/** What a build is made of: a bill of materials (CycloneDX 1.6, JSON), and the licences of others' work in it. */
import type { LockedPackage } from "./packages.ts";
import type { RuntimeList } from "./runtimes.ts";

/** As package.json says it; the text is LICENSE. */
const ownLicence = "Apache-2.0";

/** The same text for the same packages and runtimes: no time, no random serial number. */
export function billOfMaterials(
  version: string,
  packages: readonly LockedPackage[],
  { version: bun, runtimes }: RuntimeList,
): string {
  const components = packages.map(({ name, version: its, integrity, licence }) => ({
    type: "library",
    "bom-ref": purl(name, its),
    name,
    version: its,
    purl: purl(name, its),
    hashes: [{ alg: "SHA-512", content: Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex") }],
    ...(licence === undefined ? {} : { licenses: [{ expression: licence }] }),
  }));
  const runtime = Object.entries(runtimes).map(([platform, { sha256 }]) => ({
    type: "platform",
    "bom-ref": `${platform}@${bun}`,
    name: platform,
    version: bun,
    hashes: [{ alg: "SHA-256", content: sha256 }],
  }));
  const licenses = [{ expression: ownLicence }];
  const product = { type: "application", "bom-ref": "tailgate", name: "tailgate", version, licenses };
  const body = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: product },
    components: [...components, ...runtime],
  };
  return `${JSON.stringify(body, undefined, 2)}\n`;
}

function purl(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Every licence text once, under the packages that have it. */
export function licenceNotices(packages: readonly LockedPackage[]): string {
  const byText = new Map<string, string[]>();
  for (const { name, version, licence, notices } of packages) {
    const texts = notices.length > 0 ? notices : [`Licence: ${licence ?? "not said by the package"}`];
    for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}\n\n${text}\n`);
  return `Tailgate itself is under the Apache License 2.0 (LICENSE). Its binaries hold the work of others, under these licences.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}
