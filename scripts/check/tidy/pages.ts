import { basename, dirname } from "node:path";
import { type Finding, isTest, type Rule } from "./project.ts";

/** Up to so many modules a folder is read at a glance. */
const modulesMax = 10;
/** What these hold is the same in every folder that has one. */
const sameEverywhere = new Set(["index.ts", "main.ts", "codes.ts", "config.ts", "telemetry.ts", "flume.ts", "kind.ts"]);

/**
 * A folder of the product with many modules has a page, `DESIGN.md`, that names each of them. So the page cannot fall out
 * of date, and whoever looks for a thing finds its file by reading one table.
 */
export const foldersHavePages: Rule = (files) => {
  const pages = new Map(files.map(({ path, text }) => [path, text]));
  const folders = Map.groupBy(
    files.filter(({ path }) => isModule(path)),
    ({ path }) => dirname(path),
  );
  return [...folders].flatMap(([folder, modules]): Finding[] => {
    if (modules.length <= modulesMax) return [];
    const page = `${folder}/DESIGN.md`;
    const text = pages.get(page);
    if (text === undefined) {
      return [{ path: folder, line: 1, message: `${modules.length} modules and no DESIGN.md that says which is what` }];
    }
    return modules
      .map(({ path }) => basename(path))
      .filter((name) => !sameEverywhere.has(name) && !text.includes(name))
      .map((name) => ({ path: page, line: 1, message: `does not say what ${name} is` }));
  });
};

function isModule(path: string): boolean {
  const ours = /^(?:edge|central|shared)\/(?!.*testing\/).+\.ts$/.test(path);
  return ours && !isTest(path) && !/\.(?:gen|d)\.ts$/.test(path);
}
