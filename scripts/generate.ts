/**
 * Writes what is derived from the code and kept beside it, so that it shows in review:
 *
 *     edge/registry.gen.ts       static imports of every component (a compiled binary cannot scan folders)
 *     edge/REFERENCE.md          every component, field and metric
 *     edge/config.schema.json    for editors
 *     central/openapi.json       the HTTP interface, from its routes
 *
 *     bun scripts/generate.ts            writes what is not fresh
 *     bun scripts/generate.ts --check    writes nothing; exit code 1 when something is not fresh
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderRegistry } from "./generate/registry.ts";

/** A generated file: where it stands, and the text it should have. */
interface Generated {
  readonly path: string;
  /** What renders it. */
  readonly module: string;
  readonly render: () => Promise<string>;
}

/** A module that renders, by the name of its function. Not imported statically: it imports what is generated here. */
function rendered(root: string, path: string, module: string, name: string): Generated {
  return {
    path,
    module,
    render: async () => {
      const exported: unknown = (await import(join(root, module)))[name];
      if (typeof exported !== "function") throw new Error(`generate ${path}: ${module} exports no function ${name}`);
      return String(await exported());
    },
  };
}

/**
 * Brings all generated files up to date, or only says which are not.
 *
 * @returns the paths that were not fresh.
 */
export async function generate(root: string, write: boolean): Promise<string[]> {
  const candidates: readonly Generated[] = [
    {
      path: "edge/registry.gen.ts",
      module: "edge/config/agent-config.ts",
      render: () => Promise.resolve(renderRegistry(join(root, "edge"))),
    },
    rendered(root, "edge/REFERENCE.md", "edge/config/reference.ts", "renderReference"),
    rendered(root, "edge/config.schema.json", "edge/config/json-schema.ts", "renderJsonSchema"),
    rendered(root, "central/openapi.json", "central/openapi.ts", "renderOpenApi"),
  ];
  const stale: string[] = [];
  for (const { path, render } of candidates.filter(({ module }) => existsSync(join(root, module)))) {
    const text = await render();
    const file = join(root, path);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    stale.push(path);
    if (write) writeFileSync(file, text);
  }
  return stale;
}

if (import.meta.main) {
  const check = process.argv.includes("--check");
  const stale = await generate(join(import.meta.dir, ".."), !check);
  for (const path of stale) console.log(check ? `${path} is not fresh: run npm run generate` : `wrote ${path}`);
  process.exitCode = check && stale.length > 0 ? 1 : 0;
}
