// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this file is about texts that hold ${…}.
/**
 * What Flume puts in place of `${…}`: variables of the environment (its 1.11 knows them as `${env:NAME}`, as `${NAME}` with
 * `-DpropertiesImplementation`, and as `${filter['NAME']}` through a config filter), system properties, other keys of the file.
 *
 * The answer has two forms: the text to decide by, and the text as our config writes it, where a variable stays a reference.
 */
import { suggest } from "../../shared/config/nearest.ts";
import type { Environment } from "../config/interpolate.ts";
import { type FlumeValue, literal } from "../core/flume-mapping.ts";

/** What a file's references are answered from. */
export interface Answers {
  readonly environment: Environment;
  /** Java's system properties, as far as `-D` options say them. */
  readonly system: Readonly<Record<string, string>>;
  /** Other keys of the file. */
  readonly property: (key: string) => string | undefined;
  /** Config filters of the agent by name: `env`, or why its values cannot be had. */
  readonly filters: ReadonlyMap<string, Filter>;
}

/** A config filter of the agent. */
export type Filter = { readonly kind: "env" } | { readonly kind: "refused"; readonly hint: string };

/** A value with its references answered, or what kept them from it. */
export type Substituted =
  | { readonly ok: true; readonly value: FlumeValue }
  | { readonly ok: false; readonly message: string; readonly hint: string | undefined };

const reference = /\$\$\{|\$\{([^${}]*)\}/g;
/** References may lead to others; more steps than this lead round in a circle. */
const depthMax = 10;

/** Answers every reference of a value. */
export function substitute(text: string, answers: Answers, depth = 0): Substituted {
  if (depth > depthMax) return { ok: false, message: `"${text}" leads round in a circle`, hint: undefined };
  let resolved = "";
  let written = "";
  let from = 0;
  for (const match of text.matchAll(reference)) {
    const before = text.slice(from, match.index);
    resolved += before;
    written += literal(before);
    from = match.index + match[0].length;
    const inside = match[1];
    if (inside === undefined) {
      // `$${` is how a plain `${` is written, there and here.
      resolved += "${";
      written += "$${";
      continue;
    }
    const answer = answerTo(inside, answers, depth);
    if (!answer.ok) return answer;
    resolved += answer.value.text;
    written += answer.value.written;
  }
  const rest = text.slice(from);
  return { ok: true, value: { text: resolved + rest, written: written + literal(rest) } };
}

function answerTo(inside: string, answers: Answers, depth: number): Substituted {
  const filtered = /^([^[\]]+)\[(['"]?)([-\w]+)\2\]$/.exec(inside);
  if (filtered !== null) return filter(filtered[1] ?? "", filtered[3] ?? "", answers);
  const [name = "", fallback] = splitDefault(inside);
  const kind = /^(\w+):(.*)$/s.exec(name);
  if (kind !== null) return lookUp(kind[1] ?? "", kind[2] ?? "", fallback, answers);
  const property = answers.property(name);
  if (property !== undefined) return substitute(property, answers, depth + 1);
  return variable(name, fallback, answers);
}

function lookUp(kind: string, name: string, fallback: string | undefined, answers: Answers): Substituted {
  if (kind === "env") return variable(name, fallback, answers);
  if (kind !== "sys") {
    const hint = "write the value itself, or ${env:NAME}";
    return { ok: false, message: `\${${kind}:${name}} is known to Java alone`, hint };
  }
  const value = systemProperty(name, answers) ?? fallback;
  if (value !== undefined) return { ok: true, value: { text: value, written: literal(value) } };
  const hint = "it comes from a -D option of Java: put it into flume-env.sh, or write the value itself";
  return { ok: false, message: `the system property ${name} is not known here`, hint };
}

function systemProperty(name: string, { system, environment }: Answers): string | undefined {
  if (system[name] !== undefined) return system[name];
  if (name === "user.home") return environment.HOME;
  if (name === "user.name") return environment.USER;
  return name === "java.io.tmpdir" ? "/tmp" : undefined;
}

function filter(name: string, key: string, answers: Answers): Substituted {
  const found = answers.filters.get(name);
  if (found === undefined) {
    const hint = suggest(name, [...answers.filters.keys()], "config filters");
    return { ok: false, message: `there is no config filter "${name}"`, hint };
  }
  if (found.kind === "refused")
    return { ok: false, message: `the config filter "${name}" is not carried`, hint: found.hint };
  return variable(key, undefined, answers);
}

function variable(name: string, fallback: string | undefined, { environment }: Answers): Substituted {
  const value = environment[name];
  // A name that no shell can set is no reference of ours: its value is written.
  if (value !== undefined) {
    const written = /^[A-Za-z_]\w*$/.test(name) ? `\${${name}}` : literal(value);
    return { ok: true, value: { text: value, written } };
  }
  if (fallback !== undefined) {
    return { ok: true, value: { text: fallback, written: `\${${name}:-${fallback}}` } };
  }
  const near = suggest(name, Object.keys(environment), "set");
  const hint = near?.startsWith("did") ? near : "set it, also in flume-env.sh beside the file";
  return { ok: false, message: `the environment variable ${name} is not set`, hint };
}

function splitDefault(inside: string): readonly [string, string?] {
  const at = inside.indexOf(":-");
  return at < 0 ? [inside] : [inside.slice(0, at), inside.slice(at + 2)];
}
