import { stringify } from "yaml";
import { loadConfig } from "../config/load-config.ts";
import { type Command, configOption, configPath } from "./command.ts";
import { reportProblems, reportWarnings } from "./report-problems.ts";
import { tryDestinations } from "./try-destinations.ts";

/** `tailgate check`. */
export const check: Command = {
  name: "check",
  summary: "Says everything that is wrong with a config, and touches nothing",
  positionals: ["[config]"],
  options: {
    ...configOption,
    connect: { summary: "Also tries whether the sinks' destinations answer" },
    print: { summary: "Prints the config with all defaults, without its secrets" },
  },
  async run(given, world) {
    const path = configPath(given, world);
    const loaded = loadConfig(path, world.registry, world.environment);
    if (!loaded.ok) {
      world.err(reportProblems(loaded.problems));
      return 2;
    }
    world.err(reportWarnings(loaded.warnings));
    if (given.flag("print")) world.out(stringify(JSON.parse(JSON.stringify(loaded.effective))));
    if (given.flag("connect") && !(await tryDestinations(loaded.config, world))) return 1;
    const { sources, channels, sinks } = loaded.config;
    world.err(`${path} is valid: ${sources.size} sources, ${channels.size} channels, ${sinks.size} sinks\n`);
    return 0;
  },
};
