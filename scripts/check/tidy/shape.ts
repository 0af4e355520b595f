import { basename, dirname, join, normalize } from "node:path";
import { longFiles, readsOwnFiles, unimported, untestedByThemselves } from "./exceptions.ts";
import type { Finding, Rule, SourceFile } from "./project.ts";
import { exportsOf, isTest, lineAt } from "./project.ts";

const linesMax = 400;
/** Below this a module is read at a glance, and tried through what uses it. */
const untestedLinesMax = 60;
const bannedNames = new Set(["utils", "util", "helpers", "helper", "common", "misc"]);

const isGenerated = (path: string) => path.endsWith(".gen.ts") || path.endsWith(".d.ts");

/** Files are short, named in kebab-case, and no folder is a drawer for odds and ends. */
export const sizesAndNames: Rule = (files) =>
  files.flatMap(({ path, text }) => {
    const findings: Finding[] = [];
    const names = path.split("/").map((name) => name.split(".", 1)[0] ?? "");
    const banned = names.find((name) => bannedNames.has(name));
    if (banned !== undefined) {
      findings.push({ path, line: 1, message: `"${banned}" says nothing: name the file for the thing in it` });
    }
    if (!path.endsWith(".ts") || isGenerated(path)) return findings;
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*\.ts$/.test(basename(path))) {
      findings.push({ path, line: 1, message: "file names are kebab-case.ts" });
    }
    const lines = text.split("\n").length - 1;
    if (lines > linesMax && longFiles[path] === undefined) {
      findings.push({ path, line: linesMax, message: `${lines} lines; give the second concern a file with a name` });
    }
    return findings;
  });

/**
 * Every exported symbol says what it promises. The header of a file speaks for the symbol that the file is named for,
 * the message of a signal for the signal.
 */
export const exportsDocumented: Rule = (files) =>
  files
    .filter(({ path }) => path.endsWith(".ts") && !isTest(path) && !isGenerated(path))
    .flatMap((file) => {
      const seen = new Set<string>();
      return exportsOf(file).flatMap(({ name, at }) => {
        // A type beside its schema of the same name, or an overload: the first one speaks for both.
        if (seen.has(name)) return [];
        seen.add(name);
        if (/\*\/\s*$/.test(file.text.slice(0, at))) return [];
        if (file.text.startsWith("/**") && isNamedFor(file.path, name)) return [];
        if (/^[^;]*?= defineSignal\(/.test(file.code.slice(at))) return [];
        const line = lineAt(file.text, at);
        return [{ path: file.path, line, message: `${name} is exported without a word: say what it promises` }];
      });
    });

function isNamedFor(path: string, name: string): boolean {
  const stem = basename(path, ".ts") === "index" ? basename(dirname(path)) : basename(path, ".ts");
  return name.toLowerCase().includes(stem.replaceAll("-", ""));
}

/**
 * A module of some size is tried: by a test beside it, by any test that imports it, by a test of its folder that
 * reaches it through modules of that folder, or by an integration test that reaches it through anything.
 */
export const testsBeside: Rule = (files) => {
  const tried = reachedByTests(files);
  return files.filter(needsTest).flatMap(({ path }) => {
    if (tried.has(path) || untestedByThemselves[path] !== undefined) return [];
    return [{ path, line: 1, message: `no test reaches it: write ${basename(path, ".ts")}.test.ts beside it` }];
  });
};

function reachedByTests(files: readonly SourceFile[]): Set<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const tried = new Set<string>();
  for (const test of files.filter(({ path }) => /\.(test|contract)\.ts$/.test(path))) {
    const folder = test.path.startsWith("scripts/integration/") ? "" : `${dirname(test.path)}/`;
    const targets = ({ imports }: SourceFile) => imports.flatMap(({ target }) => target ?? []);
    const open = targets(test);
    const seen = new Set<string>();
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const file = byPath.get(path);
      if (seen.has(path) || file === undefined) continue;
      seen.add(path);
      tried.add(path);
      if (path.startsWith(folder)) open.push(...targets(file).filter((target) => target.startsWith(folder)));
    }
  }
  return tried;
}

function needsTest({ path, text, code }: SourceFile): boolean {
  if (!path.endsWith(".ts") || isTest(path) || isGenerated(path) || path.startsWith("scripts/bench/")) return false;
  const runs = /\b(?:function|class)\b|=>/.test(code.replace(/^\s*(?:readonly )?\w+\??:.*=>.*$/gm, ""));
  return runs && text.split("\n").length > untestedLinesMax;
}

/** No file lies about that nothing reaches. */
export const deadFiles: Rule = (files) => {
  const reached = new Set(files.flatMap(({ imports }) => imports.map(({ target }) => target)));
  return files.flatMap(({ path, text, code }) => {
    const isEntry =
      !path.endsWith(".ts") ||
      isGenerated(path) ||
      /\.(test|bench)\.ts$/.test(path) ||
      basename(path) === "main.ts" ||
      /^scripts\/[^/]+\.ts$/.test(path) ||
      /\bimport\.meta\.main\b/.test(code) ||
      /^#!/.test(text) ||
      /\bexport default define[A-Z]/.test(code) ||
      path.startsWith("edge/examples/") ||
      path in unimported ||
      path in untestedByThemselves;
    return isEntry || reached.has(path) ? [] : [{ path, line: 1, message: "nothing imports it: delete it" }];
  });
};

/** Relative links in the prose lead somewhere. */
export function prose(exists: (path: string) => boolean): Rule {
  return (files) =>
    files
      .filter(({ path }) => path.endsWith(".md"))
      .flatMap(({ path, text }) => {
        const findings: Finding[] = [];
        for (const match of text.matchAll(/\]\((?!\w+:|#)([^)\s#]+)(#[^)]*)?\)/g)) {
          const target = normalize(join(dirname(path), match[1] ?? ""));
          if (exists(target)) continue;
          findings.push({ path, line: lineAt(text, match.index), message: `links to ${target}, which is not there` });
        }
        return findings;
      });
}

/** The list of exceptions names only what there is. */
export const exceptionsUsed: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  return [longFiles, unimported, untestedByThemselves, readsOwnFiles].flatMap((list) =>
    Object.keys(list)
      .filter((path) => !paths.has(path))
      .map((path) => ({ path: "scripts/check/tidy/exceptions.ts", line: 1, message: `${path} is not there any more` })),
  );
};
