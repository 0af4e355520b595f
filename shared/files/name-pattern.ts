/**
 * How a config names files: a glob, or `regex:` and a regular expression that the whole name must match. The prefix is the one
 * of Java's path matchers, so what a flume.conf says about names can be said here as it is.
 */
import { compilePattern, type Pattern } from "../config/pattern/pattern.ts";

const prefix = "regex:";

/** The regular expression of a name that is written as one; undefined for a glob. */
export function regexOf(written: string): string | undefined {
  return written.startsWith(prefix) ? written.slice(prefix.length) : undefined;
}

/** What is wrong with a regular expression; undefined when nothing is, or it is a glob. */
export function regexMistake(written: string): string | undefined {
  const source = regexOf(written);
  if (source === undefined) return undefined;
  const compiled = compiledWhole(source);
  return compiled.ok ? undefined : compiled.message;
}

/** Whether a whole name matches. @throws when the expression is none: see `regexMistake`. */
export function nameMatcher(written: string): (name: string) => boolean {
  const source = regexOf(written);
  if (source === undefined) {
    const glob = new Bun.Glob(written);
    return (name) => glob.match(name);
  }
  const compiled = compiledWhole(source);
  if (!compiled.ok) throw new Error(compiled.message);
  return (name) => compiled.pattern.test(name);
}

/** Compiled once: a pattern is proven harmless in up to 0.2 s, and is asked for by the config's check and by the source. */
const compiledBefore = new Map<string, ReturnType<typeof compilePattern>>();
const compiledMax = 1_000;

function compiledWhole(source: string): { ok: true; pattern: Pattern } | { ok: false; message: string } {
  const known = compiledBefore.get(source);
  if (known !== undefined) return known;
  const ignoreCase = source.startsWith("(?i)");
  const compiled = compilePattern(`^(?:${ignoreCase ? source.slice(4) : source})$`, ignoreCase);
  if (compiledBefore.size >= compiledMax) compiledBefore.clear();
  compiledBefore.set(source, compiled);
  return compiled;
}
