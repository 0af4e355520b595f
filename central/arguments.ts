import { readWords, wrongWords } from "./command-line.ts";
import { parseReplayArguments, type ReplayArguments } from "./replay-command/arguments.ts";

/** What the command line says. */
export type Arguments =
  | { readonly verb: "help" }
  | { readonly verb: "run"; readonly config: string | undefined }
  | { readonly verb: "rules check" | "rules test"; readonly file: string }
  | ReplayArguments
  | ServiceWords;

/** `service install`, and how. */
export interface ServiceWords {
  readonly verb: "service install";
  readonly config: string | undefined;
  readonly print: boolean;
  readonly force: boolean;
  readonly user: string | undefined;
  readonly unit: string | undefined;
}

const options = {
  config: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
  print: { type: "boolean", default: false },
  force: { type: "boolean", default: false },
  user: { type: "string" },
  unit: { type: "string" },
} as const;

/** @throws AppError `USAGE`. */
export function parseArguments(words: readonly string[]): Arguments {
  if (words[0] === "replay") {
    const asksForHelp = words.some((word) => word === "--help" || word === "-h");
    return asksForHelp ? { verb: "help" } : parseReplayArguments(words.slice(1));
  }
  const { values, positionals } = readWords(words, options);
  const { config, help, print, force, user, unit } = values;
  if (help) return { verb: "help" };
  const [noun, doing, file, ...more] = positionals;
  const foreign = print || force || user !== undefined || unit !== undefined;
  if (noun === "rules") {
    if (doing !== "check" && doing !== "test") throw wrongWords("`rules` is followed by `check FILE` or `test FILE`");
    if (file === undefined || more.length > 0) throw wrongWords(`\`rules ${doing}\` takes one file`);
    if (config !== undefined || foreign) throw wrongWords(`\`rules ${doing}\` takes a file and no options`);
    return { verb: `rules ${doing}`, file };
  }
  const verb = positionals.join(" ");
  if (verb === "service install") return { verb, config, print, force, user, unit };
  if (verb !== "" && verb !== "run") throw wrongWords(`"${verb}" is not known`);
  if (foreign) throw wrongWords("--print, --force, --user and --unit belong to `service install`");
  return { verb: "run", config };
}
