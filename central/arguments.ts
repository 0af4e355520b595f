import { AppError } from "../shared/errors/app-error.ts";

/** What the command line says. */
export interface Arguments {
  readonly help: boolean;
  readonly config: string | undefined;
}

/** @throws AppError `USAGE`. */
export function parseArguments(words: readonly string[]): Arguments {
  let config: string | undefined;
  let help = false;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--help" || word === "-h") help = true;
    else if (word.startsWith("--config=")) config = word.slice("--config=".length);
    else if (word === "--config") {
      config = words[++index];
      if (config === undefined) throw new AppError("USAGE", "read the command line: --config needs a file");
    } else throw new AppError("USAGE", `read the command line: "${word}" is not known`);
  }
  return { help, config };
}
