import { type ParseArgsConfig, parseArgs } from "node:util";
import { AppError, messageOf } from "../shared/errors/app-error.ts";

/** Reads the words of a command by its options; any number of words beside them. @throws AppError `USAGE`. */
export function readWords<const Options extends NonNullable<ParseArgsConfig["options"]>>(
  words: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw wrongWords(messageOf(thrown));
  }
}

/** What is wrong with them. */
export function wrongWords(what: string): AppError {
  return new AppError("USAGE", `read the command line: ${what}`);
}
