/** Which packages go into the binaries: what the project depends on, and what these depend on, as the lock file has them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One of them. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** Of the package's archive, as in `sha512-…`. */
  readonly integrity: string;
  readonly licence: string | undefined;
  /** The texts of its licence and notice files. */
  readonly notices: readonly string[];
}

type Row = readonly [
  spec: string,
  registry: string,
  about: { dependencies?: Record<string, string> },
  integrity: string,
];

/** bun.lock is JSON with commas before closing brackets. */
function parseLock(text: string): Readonly<Record<string, Row>> {
  return JSON.parse(text.replace(/,(\s*[\]}])/g, "$1")).packages;
}

/** In the order of names. Packages of tools, which are in no binary, are left out. */
export function packagesOf(root: string): readonly LockedPackage[] {
  const rows = parseLock(readFileSync(join(root, "bun.lock"), "utf8"));
  const manifest: { dependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const found = new Map<string, LockedPackage>();
  const visit = (name: string) => {
    const row = rows[name];
    if (row === undefined || found.has(name)) return;
    const [spec, , about, integrity] = row;
    found.set(name, {
      name,
      version: spec.slice(name.length + 1),
      integrity,
      ...licenceOf(join(root, "node_modules", name)),
    });
    for (const dependency of Object.keys(about.dependencies ?? {})) visit(dependency);
  };
  for (const name of Object.keys(manifest.dependencies)) visit(name);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function licenceOf(folder: string): Pick<LockedPackage, "licence" | "notices"> {
  if (!existsSync(join(folder, "package.json"))) return { licence: undefined, notices: [] };
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((name) => /^(licen[cs]e|notice|copying)/i.test(name));
  return {
    licence: typeof license === "string" ? license : undefined,
    notices: files.sort().map((name) => readFileSync(join(folder, name), "utf8").trim()),
  };
}
