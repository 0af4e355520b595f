import type { Command, OptionDeclaration } from "./command.ts";

/** `tailgate --help`: every verb and what it is for. */
export function renderHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const verbs = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "Tailgate carries every log line to Kafka, exactly once.",
    "",
    "usage: tailgate <verb> [options]",
    "",
    ...verbs,
    "",
    "tailgate <verb> --help shows a verb's options.",
    "Exit codes: 0 clean, 1 failed while running, 2 config or usage, 70 a bug of ours.",
    "",
  ].join("\n");
}

/** `tailgate run --help`. */
export function renderCommandHelp(command: Command): string {
  const options = Object.entries<OptionDeclaration>({
    ...command.options,
    help: { summary: "Shows this", short: "h" },
  }).map(([name, { summary, value, short }]) => {
    const words = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` <${value}>`}`;
    return [words, summary] as const;
  });
  const width = Math.max(...options.map(([words]) => words.length));
  return [
    `${command.summary}.`,
    "",
    `usage: ${["tailgate", command.name, ...(command.positionals ?? []), "[options]"].join(" ")}`,
    "",
    ...options.map(([words, summary]) => `  ${words.padEnd(width)}  ${summary}`),
    "",
    ...(command.details === undefined ? [] : [command.details.trim(), ""]),
  ].join("\n");
}
