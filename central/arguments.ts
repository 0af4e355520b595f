import { parseArgs } from "node:util";
import { AppError, messageOf } from "../shared/errors/app-error.ts";

/** What the command line says. */
export type Arguments =
  | { readonly verb: "help" }
  | { readonly verb: "run"; readonly config: string | undefined }
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
  const { values, positionals } = parse(words);
  const { config, help, print, force, user, unit } = values;
  if (help) return { verb: "help" };
  const verb = positionals.join(" ");
  if (verb === "service install") return { verb, config, print, force, user, unit };
  if (verb !== "" && verb !== "run") throw wrong(`"${verb}" is not known`);
  const foreign = print || force || user !== undefined || unit !== undefined;
  if (foreign) throw wrong("--print, --force, --user and --unit belong to `service install`");
  return { verb: "run", config };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw wrong(messageOf(thrown));
  }
}

function wrong(words: string): AppError {
  return new AppError("USAGE", `read the command line: ${words}`);
}
