import { resolve } from "node:path";
import { suggest } from "../../../shared/config/nearest.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Inspector, openInspector } from "../../channels/sqlite/inspect.ts";
import { loadConfig } from "../../config/load-config.ts";
import { legalName } from "../../config/schema.ts";
import { type Arguments, type CommandContext, configOption, configPath, type OptionDeclaration } from "../command.ts";
import { reportProblems } from "../report-problems.ts";

/** How the verbs are told which file to look into. */
export const fileOptions = {
  ...configOption,
  data: { summary: "The data directory, instead of the config's", value: "dir", short: "d" },
} as const satisfies Record<string, OptionDeclaration>;

/** Looks into the channel file; safe beside a running agent. @throws AppError `USAGE` when the config does not say where. */
export function withChannels<T>(given: Arguments, world: CommandContext, use: (inspector: Inspector) => T): T {
  const inspector = openInspector(dataDirOf(given, world));
  let closing = true;
  try {
    const result = use(inspector);
    if (!(result instanceof Promise)) return result;
    closing = false;
    result.finally(() => inspector.close()).catch(() => undefined);
    return result;
  } finally {
    if (closing) inspector.close();
  }
}

/** A config's path has a dot or a slash, a channel's name has neither: both may stand behind the verb, in any order. */
function isChannelName(word: string): boolean {
  return legalName.test(word);
}

function dataDirOf(given: Arguments, world: CommandContext): string {
  const data = given.value("data");
  if (data !== undefined) return resolve(data);
  const path = configPath({ ...given, positionals: given.positionals.filter((word) => !isChannelName(word)) }, world);
  const loaded = loadConfig(path, world.registry, world.environment);
  if (loaded.ok) return loaded.config.dataDir;
  throw new AppError("USAGE", reportProblems(loaded.problems).trimEnd(), {
    hint: "To look without a config, name the data directory: --data /var/lib/tailgate",
  });
}

/** The channel that the arguments name; the only one, when they name none. @throws AppError `USAGE`. */
export function chosenChannel(given: Arguments, inspector: Inspector): string {
  const names = inspector.channels().map(({ name }) => name);
  const name = given.positionals.find(isChannelName) ?? (names.length === 1 ? names[0] : undefined);
  if (name !== undefined && names.includes(name)) return name;
  const hint = names.length === 0 ? "The file holds no channel yet." : (suggest(name ?? "", names, "channels") ?? "");
  throw new AppError("USAGE", name === undefined ? "say which channel" : `there is no channel "${name}"`, { hint });
}
