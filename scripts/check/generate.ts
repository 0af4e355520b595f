/**
 * `npm run generate`: writes what is derived from the code and kept beside it, so that it shows in review:
 *
 *     edge/registry.gen.ts       static imports of every component (a compiled binary cannot scan folders)
 *     edge/REFERENCE.md          every component with its keys, every error code
 *     edge/FLUME.md              what becomes of a flume.conf, from the components' mappings
 *     edge/config.schema.json    for editors
 *     central/openapi.json       the HTTP interface, from its routes
 *     central/REFERENCE.md       central's keys, routes, metrics and error codes
 *
 *     bun scripts/check/generate.ts            writes what is not fresh
 *     bun scripts/check/generate.ts --check    writes nothing; exit code 1 when something is not fresh
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { errorCodesOf } from "./generate/error-codes.ts";
import { renderRegistry } from "./generate/registry.ts";

const root = join(import.meta.dir, "../..");

/**
 * Brings all generated files up to date, or only says which are not.
 *
 * @returns the paths that were not fresh.
 */
export async function generate(write: boolean): Promise<string[]> {
  const stale: string[] = [];
  const settle = (path: string, text: string) => {
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) return;
    stale.push(path);
    if (write) writeFileSync(file, text);
  };
  settle("edge/registry.gen.ts", renderRegistry(join(root, "edge")));
  // Only now: the others import the registry, which may just have been written.
  const [{ registry }, { renderConfigSchema, renderReference }, { renderOpenApi }, { renderCentralReference }] =
    await Promise.all([
      import("../../edge/registry.gen.ts"),
      import("../../edge/reference.ts"),
      import("../../central/openapi.ts"),
      import("../../central/reference.ts"),
    ]);
  const { metricsOf } = await import("../../edge/metrics-reference.ts");
  settle(
    "edge/REFERENCE.md",
    renderReference(registry, await metricsOf(registry), await errorCodesOf(root, ["edge", "shared"])),
  );
  const { renderFlumePage } = await import("../../edge/flume/page.ts");
  settle("edge/FLUME.md", await renderFlumePage(registry));
  settle("edge/config.schema.json", renderConfigSchema(registry));
  settle("central/openapi.json", renderOpenApi());
  settle("central/REFERENCE.md", renderCentralReference(await errorCodesOf(root, ["central", "shared"])));
  return stale;
}

if (import.meta.main) {
  const help = askedHelp(import.meta.path);
  if (help !== undefined) {
    console.log(help);
    process.exit(0);
  }
  const check = process.argv.includes("--check");
  const stale = await generate(!check);
  for (const path of stale) console.log(check ? `${path} is not fresh: run npm run generate` : `wrote ${path}`);
  process.exit(check && stale.length > 0 ? 1 : 0);
}
