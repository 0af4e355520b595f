import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { mask } from "./mask.ts";

/** One file of the project, as the rules see it. */
export interface SourceFile {
  /** From the root of the project: `edge/core/sink.ts`. */
  readonly path: string;
  readonly text: string;
  /** TypeScript with comments and strings blanked; empty for other files. */
  readonly code: string;
  /** The comments alone, everything else blanked. */
  readonly comments: string;
  readonly imports: readonly Import[];
}

/** One import or re-export. */
export interface Import {
  readonly specifier: string;
  /** Path from the root for a relative specifier; undefined for a package. */
  readonly target: string | undefined;
  readonly line: number;
  readonly typeOnly: boolean;
}

/** What a rule found. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  /** What is wrong and what to do instead. */
  readonly message: string;
}

/** A rule looks at the whole project, so that it can compare files. */
export type Rule = (files: readonly SourceFile[]) => Finding[];

/** All files that git knows or would add, of the kinds that the rules look at. */
export function readProject(root: string): SourceFile[] {
  const listed = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root });
  return listed.stdout
    .toString()
    .split("\n")
    .filter((path) => /\.(ts|md)$/.test(path))
    .flatMap((path) => {
      const text = readIfThere(join(root, path));
      return text === undefined ? [] : [sourceFile(path, text)];
    });
}

/** A file from its text: what tests hand to rules. */
export function sourceFile(path: string, text: string): SourceFile {
  if (!path.endsWith(".ts")) return { path, text, code: "", comments: "", imports: [] };
  const { code, comments } = mask(text);
  return { path, text, code, comments, imports: findImports(path, text, code) };
}

const exportPattern =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|interface|type|enum)\s+(\w+)/gm;

/** Everything that a file declares and exports, and the offset where it stands. */
export function exportsOf({ code }: SourceFile): { readonly name: string; readonly at: number }[] {
  return [...code.matchAll(exportPattern)].map(({ 1: name = "", index: at }) => ({ name, at }));
}

/** Line number, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** A finding for each match of the pattern (with the flag g) in a file's code. */
export function findInCode(file: SourceFile, pattern: RegExp, message: string): Finding[] {
  return [...file.code.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineAt(file.text, match.index),
    message,
  }));
}

/** A test, of whatever kind, or what only tests use. */
export function isTest(path: string): boolean {
  return (
    /\.(test|contract|bench)\.ts$/.test(path) || /(^|\/)testing\//.test(path) || path.startsWith("edge/simulation/")
  );
}

const importPattern =
  /\b(?:import|export)\b(?<clause>[^;'"()]*?)\bfrom\s*(?<quote>["'])|\bimport\s*\(\s*(?<quote2>["'])|\bimport\s+(?<quote3>["'])/g;

function findImports(path: string, text: string, code: string): Import[] {
  return [...code.matchAll(importPattern)].map((match) => {
    const start = match.index + match[0].length;
    const quote = match[0].at(-1) ?? '"';
    const specifier = text.slice(start, text.indexOf(quote, start));
    return {
      specifier,
      target: specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : undefined,
      line: lineAt(text, start),
      typeOnly: /^\s+type\b/.test(match.groups?.clause ?? ""),
    };
  });
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    // Listed by git and deleted in the work tree: no longer a file of the project.
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
