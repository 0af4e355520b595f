import { suggest } from "../../shared/config/nearest.ts";
import { readSecret } from "../../shared/config/secret.ts";

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A text after its `${…}` were put in, or what kept them from it. */
export type Interpolated =
  | {
      readonly ok: true;
      readonly text: string;
      readonly changed: boolean;
      /** Something of it is not in the config itself: it is not shown. */
      readonly outside: boolean;
    }
  | { readonly ok: false; readonly message: string; readonly hint: string | undefined };

const reference = /\$(\$\{)|\$\{([^}]*)\}/g;

/**
 * Puts in `${NAME}`, `${NAME:-default}` (also when NAME is empty, as the shell does) and `${file:path}` (the content,
 * without the line end behind it). `$${` stands for a plain `${`.
 *
 * It works on the values of the parsed YAML, never on its text: what comes from outside cannot change the structure.
 */
export function interpolate(text: string, environment: Environment): Interpolated {
  if (!text.includes("${")) return { ok: true, text, changed: false, outside: false };
  let outside = false;
  const failures: { message: string; hint: string | undefined }[] = [];
  const result = text.replaceAll(reference, (_whole, escaped: string | undefined, inside: string | undefined) => {
    if (escaped !== undefined) return "${";
    outside ||= isOutside(inside ?? "", environment);
    const found = resolve(inside ?? "", environment);
    if (typeof found === "string") return found;
    failures.push(found);
    return "";
  });
  const [failure] = failures;
  return failure === undefined ? { ok: true, text: result, changed: true, outside } : { ok: false, ...failure };
}

/** Whether a reference is answered by a file or a variable, and not by the default beside it. */
function isOutside(inside: string, environment: Environment): boolean {
  if (inside.startsWith("file:")) return true;
  const value = environment[/^\w+/.exec(inside)?.[0] ?? ""];
  return value !== undefined && (value !== "" || !inside.includes(":-"));
}

function resolve(inside: string, environment: Environment): string | { message: string; hint: string | undefined } {
  if (inside.startsWith("file:")) {
    const read = readSecret(inside.slice("file:".length), "secret");
    return read.ok ? read.text : read;
  }
  const match = /^([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(inside);
  if (match === null) {
    const hint = `write \${NAME}, \${NAME:-default} or \${file:/path}; for a plain \${ write $\${`;
    return { message: `"\${${inside}}" names nothing`, hint };
  }
  const [, name = "", fallback] = match;
  const value = environment[name];
  if (value !== undefined && (value !== "" || fallback === undefined)) return value;
  if (fallback !== undefined) return fallback;
  const near = suggest(name, Object.keys(environment), "set");
  const hint = near?.startsWith("did") ? near : `set it, or give a default: \${${name}:-…}`;
  return { message: `the environment variable ${name} is not set`, hint };
}
