import { type Command, configOption } from "./command.ts";
import { reportProblems, reportWarnings } from "./report-problems.ts";
import { flumeConfig, whichConfigOptions } from "./which-config.ts";

const { config: _config, "flume-conf": _flumeConf, ...shared } = { ...configOption, ...whichConfigOptions };
/** The flume.conf is what it is called with: no option has to name it. */
const options = Object.fromEntries(
  Object.entries(shared).map(([name, option]) => [
    name,
    { ...option, summary: option.summary.replace(/^With --flume-conf: (.)/, (_, first) => first.toUpperCase()) },
  ]),
);

/** `tailgate convert`. */
export const convert: Command = {
  name: "convert",
  summary: "Writes an agent of a flume.conf as a config of ours, with what became of each key",
  positionals: ["flume.conf"],
  options,
  async run(given, world) {
    const path = given.positionals[0] ?? "flume.conf";
    const { loaded, doubts, yaml } = await flumeConfig(path, given, world).read();
    world.err(reportWarnings(doubts));
    if (!loaded.ok || yaml === undefined) {
      world.err(reportProblems(loaded.ok ? [] : loaded.problems));
      return 2;
    }
    world.err(reportWarnings(loaded.warnings));
    world.out(yaml);
    return 0;
  },
};
