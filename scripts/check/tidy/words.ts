import { readsOwnFiles } from "./exceptions.ts";
import type { Rule, SourceFile } from "./project.ts";
import { findInCode, isTest, lineAt } from "./project.ts";

const isScript = (path: string) => path.startsWith("scripts/");
const isMain = (path: string) => /(^|\/)main\.ts$/.test(path);

/** A word of code that has its place, where that is, and what to write elsewhere. */
interface PlacedWord {
  readonly pattern: RegExp;
  readonly allowed: (file: SourceFile) => boolean;
  readonly message: string;
}

/** A call that adds to a counter, up to its bracket; `Set.add` takes no number. */
const counting = "\\.(?:count(?=\\()|add(?=\\(\\d))";
const reporting = "(?<![\\w.])(?:\\w+\\.)*report\\(";

const placedWords: readonly PlacedWord[] = [
  {
    pattern: /\bconsole\s*\.\s*\w+/g,
    allowed: ({ path, code }) =>
      isScript(path) ||
      isMain(path) ||
      isTest(path) ||
      path.startsWith("edge/commands/") ||
      // Run as a program of its own, whose output is its answer.
      /\bimport\.meta\.main\b/.test(code),
    message: "console outside scripts and commands; report a signal (shared/telemetry/log.ts) instead",
  },
  {
    pattern: /\bDate\s*\.\s*now\s*\(|\bnew Date\s*\(\s*\)/g,
    allowed: ({ path }) => path.startsWith("shared/clock/") || isScript(path) || isTest(path),
    message: "the time comes in from outside: take a Clock (shared/clock/clock.ts)",
  },
  {
    pattern: /\bMath\s*\.\s*random\b/g,
    allowed: ({ path }) => path.startsWith("shared/random/") || isScript(path) || isTest(path),
    message: "chance comes in from outside: take a Random (shared/random/random.ts)",
  },
  {
    pattern: /\bprocess\s*\.\s*exit\s*\(/g,
    allowed: ({ path }) => isScript(path) || isMain(path),
    message: "only main.ts ends the process; throw an AppError, or return an exit code",
  },
  {
    pattern: /\bas any\b|\bas unknown as\b|:\s*any\b(?!\s*\()|<any>/g,
    allowed: () => false,
    message: "no any and no double cast: narrow with a check, or state the type where the value is made",
  },
  {
    pattern: /\b(?:test|it|describe)\s*\.\s*(?:skip|todo|only|skipIf|todoIf|if|failing)\b|\bxit\s*\(/g,
    allowed: () => false,
    message: "no skipped, pending or lonely tests: make it run, or delete it and say so",
  },
  {
    pattern: /\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/g,
    allowed: () => false,
    message: "an empty catch hides what happened: handle it, count it, or say in a comment why it is nothing",
  },
  {
    pattern: /\bexport\s+default\b(?!\s+define[A-Z])/g,
    allowed: ({ path }) => path.endsWith(".d.ts"),
    message: "default exports are for component definitions; export by name",
  },
  {
    // A literal is a path of the kernel's, and no user's.
    pattern: /\breadFileSync\s*\(\s*(?!["'`])|\bBun\s*\.\s*file\s*\((?=.*\.(?:text|bytes|arrayBuffer|json)\b)/g,
    allowed: ({ path }) =>
      isScript(path) || isTest(path) || /\.bench\.ts$|\/testing\//.test(path) || path in readsOwnFiles,
    message: "a FIFO in the place of that file would be waited at for ever: readNamed (shared/files/read-named.ts)",
  },
  {
    // Two statements side by side: one counts, the other one logs.
    pattern: new RegExp(`${counting}\\([^;]*;\\s*${reporting}|${reporting}[^;]*;\\s*[\\w.?]*${counting}\\(`, "g"),
    allowed: ({ path }) => isScript(path) || isTest(path),
    message: "logged and counted is one declaration: say `counts` at the signal (shared/telemetry/counting-report.ts)",
  },
];

/** Words that have their place are found only there. */
export const misplacedWords: Rule = (files) =>
  files
    .filter(({ path }) => path.endsWith(".ts"))
    .flatMap((file) =>
      placedWords.flatMap(({ pattern, allowed, message }) =>
        allowed(file) ? [] : findInCode(file, pattern, message).filter(({ line }) => !explained(file, message, line)),
      ),
    );

/** Packages come through apt, npm, pip and Maven as the machine has them configured: no address of theirs stands in the code. */
export const registryAddresses: Rule = (files) =>
  files
    .filter(({ path }) => /\.ts$/.test(path) && !path.startsWith("scripts/check/tidy"))
    .flatMap((file) =>
      [...file.text.matchAll(registryAddress)].map(({ 0: address, index }) => ({
        path: file.path,
        line: lineAt(file.text, index),
        message: `${address}: fetch it with the package manager, from wherever the machine has its packages`,
      })),
    );

const registryAddress =
  /https?:\/\/[\w.-]*\b(?:debian\.org|ubuntu\.com|npmjs\.(?:org|com)|pypi\.org|pythonhosted\.org|maven\.org|alpinelinux\.org|proxy\.golang\.org)/g;

/** Nothing is left for later in code or prose, and the compiler is not silenced. */
export const leftovers: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith("scripts/check/tidy/"))
    .flatMap((file) => {
      const text = file.path.endsWith(".ts") ? file.comments : file.text;
      const later = [...text.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b/g)].map((match) => ({
        path: file.path,
        line: lineAt(text, match.index),
        message: `${match[0]}: do it now, or put it into the tracker`,
      }));
      const silenced = [...file.comments.matchAll(/@ts-(?:ignore|nocheck|expect-error)/g)].map((match) => ({
        path: file.path,
        line: lineAt(text, match.index),
        message: `${match[0]} silences the compiler; make the types right`,
      }));
      return [...later, ...silenced];
    });

/** A comment inside an otherwise empty catch says why nothing is done. */
function explained(file: SourceFile, message: string, line: number): boolean {
  if (!message.startsWith("an empty catch")) return false;
  const lines = file.comments.split("\n");
  return [line - 1, line, line + 1].some((index) => (lines[index] ?? "").trim() !== "");
}
