/**
 * How a verb of the command line is declared, and how arguments are read against the declaration. Help, usage lines
 * and the suggestion for a misspelt word all come from it. Stands on node:util's parseArgs.
 */
import { parseArgs } from "node:util";
import { suggest } from "../../shared/config/nearest.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Registry } from "../config/agent-config.ts";
import type { Environment } from "../config/interpolate.ts";

/** What a verb may touch: no command reads a global. */
export interface CommandContext {
  readonly registry: Registry;
  readonly environment: Environment;
  /** Standard output and standard error; whole lines. */
  readonly out: (text: string) => void;
  /** Standard output for much at once: resolves when it was taken. */
  readonly outBytes: (bytes: Uint8Array) => Promise<void>;
  readonly err: (text: string) => void;
  /** Standard output where it is a terminal: shows these lines, as many as fit, in the place of those before. */
  readonly screen?: ((lines: readonly string[]) => void) | undefined;
}

/** One option of a verb: a flag, or with a value. */
export interface OptionDeclaration {
  readonly summary: string;
  /** Name of its value in the help; without it, a flag. */
  readonly value?: string;
  readonly short?: string;
}

/** Arguments after they were read. */
export interface Arguments {
  /** Value of an option; undefined when it was not given. */
  value(name: string): string | undefined;
  flag(name: string): boolean;
  readonly positionals: readonly string[];
}

/** A verb. */
export interface Command {
  /** `run`, or two words: `channel stat`. */
  readonly name: string;
  /** One sentence without a full stop. */
  readonly summary: string;
  /** More, for `--help`. */
  readonly details?: string;
  /** Positional arguments as the usage line shows them; `[x]` may be left out. */
  readonly positionals?: readonly string[];
  readonly options: Readonly<Record<string, OptionDeclaration>>;
  /** Answers the exit code: 0 clean, 1 failed while running, 2 config or usage. */
  run(given: Arguments, world: CommandContext): Promise<number> | number;
}

/** The option that all verbs share which read a config. */
export const configOption = {
  config: {
    summary: "The config file (default: $TAILGATE_CONFIG, or /etc/tailgate/tailgate.yaml)",
    value: "file",
    short: "c",
  },
} as const satisfies Record<string, OptionDeclaration>;

/** The option of verbs that refuse a config which others can change, or whose links anybody can read. */
export const forceOption = {
  force: { summary: "Takes a config that others can change, and links that are open to all; the log says so" },
} as const satisfies Record<string, OptionDeclaration>;

/** Which config a verb means. */
export function configPath(given: Arguments, world: CommandContext): string {
  return (
    given.value("config") ?? given.positionals[0] ?? world.environment.TAILGATE_CONFIG ?? "/etc/tailgate/tailgate.yaml"
  );
}

/** Reads the arguments behind the verb. @throws AppError `USAGE` with the nearest valid option. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const known = { ...command.options, help: { summary: "", short: "h" } };
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      Object.entries<OptionDeclaration>(known).map(([name, { value, short }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short === undefined ? {} : { short }) } as const,
      ]),
    ),
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option: OptionDeclaration | undefined = Object.entries<OptionDeclaration>(known).find(
      ([name]) => name === token.name,
    )?.[1];
    if (option === undefined) {
      const hint = suggest(
        `--${token.name}`,
        Object.keys(known).map((name) => `--${name}`),
        "options",
      );
      throw usage(command, `unknown option ${token.rawName}`, hint);
    }
    if (option.value !== undefined && token.value === undefined)
      throw usage(command, `${token.rawName} needs a value: <${option.value}>`);
    if (option.value === undefined && token.value !== undefined)
      throw usage(command, `${token.rawName} takes no value`);
  }
  checkPositionals(command, positionals);
  return {
    positionals,
    flag: (name) => values[name] === true,
    value: (name) => {
      const value = values[name];
      return typeof value === "string" ? value : undefined;
    },
  };
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const declared = command.positionals ?? [];
  const required = declared.filter((name) => !name.startsWith("[")).length;
  const missing = declared[given.length];
  if (given.length < required) throw usage(command, `${missing} is missing`);
  if (given.length > declared.length) throw usage(command, `"${given[declared.length]}" is one argument too many`);
}

function usage(command: Command, message: string, hint?: string): AppError {
  return new AppError("USAGE", `tailgate ${command.name}: ${message}`, {
    hint: hint ?? `tailgate ${command.name} --help shows what it takes.`,
  });
}
