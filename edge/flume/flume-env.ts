/**
 * `flume-env.sh`, which Flume's start script reads from its conf folder. It is a shell script; what is understood of it is what
 * people write there: variables, with or without `export`. It is read, never run.
 */
import type { Environment } from "../config/interpolate.ts";
import type { Problem } from "../config/problem.ts";

/** What it says. */
export interface FlumeEnv {
  readonly variables: Readonly<Record<string, string>>;
  /** Java's `-D` options in it. */
  readonly system: Readonly<Record<string, string>>;
  /** Lines that only a shell could make sense of. */
  readonly doubts: readonly Problem[];
}

const assignment = /^(?:export\s+)?([A-Za-z_]\w*)=(.*)$/s;
/** Variables of the start script itself: they set up Java, and Java does not run here. */
const ofJava = new Set(["JAVA_HOME", "FLUME_CLASSPATH", "CLASSPATH"]);

/** Reads its text. `environment` is what variables before it may be taken from. */
export function readFlumeEnv(file: string, text: string, environment: Environment): FlumeEnv {
  const variables: Record<string, string> = {};
  const doubts: Problem[] = [];
  let open = "";
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    // A backslash at its end joins a line to the next one.
    const whole = open + raw;
    open = whole.endsWith("\\") ? whole.slice(0, -1) : "";
    if (open !== "") continue;
    const line = whole.trim();
    if (line === "" || line.startsWith("#") || /^export\s+[A-Za-z_]\w*$/.test(line)) continue;
    const doubt = (message: string) =>
      doubts.push({ file, line: index + 1, column: 1, key: "", message, hint: undefined });
    const [, name = "", written = ""] = assignment.exec(line) ?? [];
    if (name === "") {
      doubt("only a shell understands this line; it is left out");
      continue;
    }
    const value = wordOf(written, { ...environment, ...variables });
    if (value !== undefined) variables[name] = value;
    else if (!ofJava.has(name)) doubt(`only a shell understands the value of ${name}; it is left out`);
  }
  return { variables, system: systemProperties(variables), doubts };
}

/** One word of a shell: plain, in quotes, with variables; undefined for all that would have to be run. */
function wordOf(written: string, environment: Environment): string | undefined {
  let value = "";
  let rest = written;
  const put = (text: string) =>
    text.replaceAll(/\$\{(\w+)\}|\$(\w+)/g, (_whole, braced, plain) => environment[braced ?? plain] ?? "");
  while (rest !== "" && !/^\s*(?:#|;|$)/.test(rest)) {
    const [whole, single, double, plain] = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"\\;#]+))/s.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    const open = double ?? plain ?? "";
    if (/`|\$\(|\$\{\w*[^\w}]/.test(open)) return undefined;
    value += single ?? put(open.replaceAll(/\\(.)/gs, "$1"));
    rest = rest.slice(whole.length);
    // A second word after white space would be a command.
    if (/^\s/.test(rest) && !/^\s*(?:#|;|$)/.test(rest)) return undefined;
  }
  return value;
}

function systemProperties({ JAVA_OPTS = "", FLUME_JAVA_OPTS = "" }: Readonly<Record<string, string>>) {
  const found: Record<string, string> = {};
  for (const [, name = "", value = ""] of `${JAVA_OPTS} ${FLUME_JAVA_OPTS}`.matchAll(/(?:^|\s)-D([^\s=]+)=(\S*)/g)) {
    found[name] = value;
  }
  return found;
}
