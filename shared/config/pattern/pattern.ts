import { RE2JS } from "re2js";
import { z } from "zod";
import { messageOf } from "../../errors/app-error.ts";
import { askAnalysis } from "./ask-analysis.ts";
import { provesLinear } from "./prove-linear.ts";

/**
 * A regular expression of a config, compiled so that no line can stall the flow: patterns that are proven to need
 * linear time run on the native engine (0.02–0.10 µs a line); the others on re2js, which is linear by construction and
 * an order of magnitude slower (0.3–2.7 µs).
 */
export interface Pattern {
  readonly source: string;
  readonly engine: "native" | "re2";
  /** For `re2`: why, in the words of the analysis (`exponential`, …). */
  readonly reason: string | undefined;
  /** Names of the named groups, in order. */
  readonly groupNames: readonly string[];
  /** How many groups there are, the whole match not counted. */
  readonly groupCount: number;
  /** Whether it occurs in the text. */
  test(text: string): boolean;
  /** The first match: [whole, group 1, …]. Undefined when there is none. */
  match(text: string): readonly (string | undefined)[] | undefined;
  /** The text with each match replaced by what `by` makes of its groups ([whole, group 1, …]); the same text without one. */
  replaceAll(text: string, by: (groups: readonly (string | undefined)[]) => string): string;
  /** Position of a named group in `match`. */
  groupIndex(name: string): number | undefined;
}

/** A config field for a regular expression. `(?i)` in front of it, as Java and RE2 write it: any case. */
export function pattern() {
  return z
    .string({ error: "not a regular expression: write a text" })
    .transform((written, context) => {
      const ignoreCase = written.startsWith("(?i)");
      const compiled = compilePattern(ignoreCase ? written.slice(4) : written, ignoreCase);
      if (compiled.ok) return compiled.pattern;
      context.addIssue({ code: "custom", message: compiled.message });
      return z.NEVER;
    })
    .meta({ format: "regex" });
}

/** Compiles, or says what is wrong: bad syntax, or neither proven linear nor something the safe engine understands. */
export function compilePattern(
  source: string,
  ignoreCase: boolean,
): { ok: true; pattern: Pattern } | { ok: false; message: string } {
  const flags = ignoreCase ? "i" : "";
  let native: RegExp;
  try {
    native = new RegExp(source, flags);
  } catch (thrown) {
    return { ok: false, message: messageOf(thrown) };
  }
  if (provesLinear(source, ignoreCase)) return { ok: true, pattern: new NativePattern(native) };
  const verdict = askAnalysis(source, flags);
  if (verdict.status === "safe") return { ok: true, pattern: new NativePattern(native) };
  try {
    return { ok: true, pattern: new SafePattern(source, ignoreCase, verdict.detail) };
  } catch (thrown) {
    return {
      ok: false,
      message:
        `/${source}/ could stall the flow (${verdict.detail}), and the engine that is safe from that ` +
        `cannot run it (${messageOf(thrown)}); write it without look-around and back references`,
    };
  }
}

class NativePattern implements Pattern {
  readonly engine = "native";
  readonly reason = undefined;
  readonly source: string;
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  private readonly indexes: ReadonlyMap<string, number>;

  constructor(private readonly regexp: RegExp) {
    this.source = regexp.source;
    // The alternative that always matches shows all groups.
    this.groupCount = (new RegExp(`${regexp.source}|`, regexp.flags).exec("")?.length ?? 1) - 1;
    this.indexes = namedGroups(regexp.source);
    this.groupNames = [...this.indexes.keys()];
  }

  test(text: string): boolean {
    return this.regexp.test(text);
  }

  match(text: string): readonly (string | undefined)[] | undefined {
    return this.regexp.exec(text) ?? undefined;
  }

  replaceAll(text: string, by: (groups: readonly (string | undefined)[]) => string): string {
    if (!this.regexp.test(text)) return text;
    const all = new RegExp(this.regexp.source, `${this.regexp.flags}g`);
    let done = "";
    let from = 0;
    for (const match of text.matchAll(all)) {
      done += text.slice(from, match.index) + by(match);
      from = match.index + match[0].length;
    }
    return done + text.slice(from);
  }

  groupIndex(name: string): number | undefined {
    return this.indexes.get(name);
  }
}

/** Where each named group stands among all groups, by order of the opening parentheses. */
function namedGroups(source: string): ReadonlyMap<string, number> {
  const indexes = new Map<string, number>();
  let index = 0;
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") {
      const name = /^\(\?<([A-Za-z_$][\w$]*)>/.exec(source.slice(at))?.[1];
      if (source[at + 1] !== "?" || name !== undefined) index++;
      if (name !== undefined) indexes.set(name, index);
    }
  }
  return indexes;
}

class SafePattern implements Pattern {
  readonly engine = "re2";
  readonly groupNames: readonly string[];
  readonly groupCount: number;
  /** Hidden: what two patterns are compared by is their source, not the automaton made from it. */
  readonly #compiled: RE2JS;
  private readonly indexes: Readonly<Record<string, number>>;

  constructor(
    readonly source: string,
    readonly ignoreCase: boolean,
    readonly reason: string,
  ) {
    this.#compiled = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    this.indexes = this.#compiled.namedGroups();
    this.groupNames = Object.keys(this.indexes);
    this.groupCount = this.#compiled.groupCount();
  }

  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  match(text: string): readonly (string | undefined)[] | undefined {
    const matcher = this.#compiled.matcher(text);
    if (!matcher.find()) return undefined;
    return this.groupsOf(matcher);
  }

  replaceAll(text: string, by: (groups: readonly (string | undefined)[]) => string): string {
    const matcher = this.#compiled.matcher(text);
    let done = "";
    let from = 0;
    while (matcher.find()) {
      done += text.slice(from, matcher.start()) + by(this.groupsOf(matcher));
      from = matcher.end();
    }
    return done + text.slice(from);
  }

  private groupsOf(matcher: ReturnType<RE2JS["matcher"]>): readonly (string | undefined)[] {
    const groups: (string | undefined)[] = [];
    for (let index = 0; index <= this.groupCount; index++) groups.push(matcher.group(index) ?? undefined);
    return groups;
  }

  groupIndex(name: string): number | undefined {
    return this.indexes[name];
  }
}
