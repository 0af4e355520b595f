/**
 * Style as a test: rules that run need no reviewer, no memory and no argument. Prints path, line and what to do
 * instead; exit code 1 when there is anything to do. A rule that costs more than it gives is changed here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { noCircles } from "./tidy/circles.ts";
import { importArrows } from "./tidy/import-arrows.ts";
import { oneMeaningAName } from "./tidy/names.ts";
import { foldersHavePages } from "./tidy/pages.ts";
import { fewParameters } from "./tidy/parameters.ts";
import { type Finding, type Rule, readProject } from "./tidy/project.ts";
import { deadFiles, exceptionsUsed, exportsDocumented, prose, sizesAndNames, testsBeside } from "./tidy/shape.ts";
import { leftovers, misplacedWords, registryAddresses } from "./tidy/words.ts";

/** Everything that the rules find in the project at `root`, by path and line. */
export function tidy(root: string): Finding[] {
  const files = readProject(root);
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const packages = new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]);
  const rules: readonly Rule[] = [
    importArrows(packages),
    noCircles,
    fewParameters,
    misplacedWords,
    leftovers,
    registryAddresses,
    sizesAndNames,
    foldersHavePages,
    oneMeaningAName,
    exportsDocumented,
    testsBeside,
    deadFiles,
    exceptionsUsed,
    prose((path) => existsSync(join(root, path))),
  ];
  return rules
    .flatMap((rule) => rule(files))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line));
}

if (import.meta.main) {
  const findings = tidy(join(import.meta.dir, "../.."));
  for (const { path, line, message } of findings) console.log(`${path}:${line}  ${message}`);
  if (findings.length > 0) console.log(`${findings.length} to tidy`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
