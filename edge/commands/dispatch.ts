import { suggest } from "../../shared/config/nearest.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { type Command, type CommandContext, readArguments } from "./command.ts";
import { renderCommandHelp, renderHelp } from "./help.ts";
import { reportRefusal } from "./report-problems.ts";

/** Finds the verb, reads its arguments, runs it. Answers the exit code; usage mistakes are said, with the nearest word. */
export async function dispatch(
  args: readonly string[],
  commands: readonly Command[],
  world: CommandContext,
): Promise<number> {
  const [first] = args;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    world.out(renderHelp(commands));
    return first === undefined ? 2 : 0;
  }
  const words = first === "--version" ? ["version"] : args;
  const command = commands.find(({ name }) => name.split(" ").every((word, index) => word === words[index]));
  if (command === undefined) return unknownVerb(words, commands, world);
  const rest = words.slice(command.name.split(" ").length);
  const end = rest.indexOf("--");
  const asked = end < 0 ? rest : rest.slice(0, end);
  if (asked.includes("--help") || asked.includes("-h")) {
    world.out(renderCommandHelp(command));
    return 0;
  }
  try {
    return await command.run(readArguments(command, rest), world);
  } catch (thrown) {
    if (!(thrown instanceof AppError) || thrown.severity !== "usage") throw thrown;
    world.err(reportRefusal(thrown));
    return 2;
  }
}

function unknownVerb(words: readonly string[], commands: readonly Command[], world: CommandContext): number {
  const [first = "", second = ""] = words;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (family.length > 0) {
    const hint = suggest(
      second,
      family.map(({ name }) => name.slice(first.length + 1)),
      "there are",
    );
    world.err(`tailgate ${first}: ${second === "" ? "says not what to do" : `no verb "${second}"`}\n  ${hint}\n`);
    return 2;
  }
  const hint = suggest(first, [...new Set(commands.map(({ name }) => name.split(" ")[0] ?? name))], "verbs");
  world.err(`tailgate: no verb "${first}"\n  ${hint}\n`);
  return 2;
}
