/** Which config a verb means, and reading it: our own, or an agent of a flume.conf. */
import type { Pipes } from "../../shared/files/read-named.ts";
import { type Loaded, loadConfig } from "../config/load-config.ts";
import type { Problem } from "../config/problem.ts";
import { type Arguments, type CommandContext, configOption, configPath, type OptionDeclaration } from "./command.ts";

/** The options of verbs that read a config of either kind. */
export const whichConfigOptions = {
  ...configOption,
  "flume-conf": { summary: "A flume.conf instead, as it is", value: "file" },
  name: { summary: "With --flume-conf: which of its agents, as Flume's own --name", value: "agent" },
  "data-dir": {
    summary: "With --flume-conf: where the channel file goes (default: /var/lib/tailgate/<agent>)",
    value: "folder",
  },
} as const satisfies Record<string, OptionDeclaration>;

/** A config that was read, of either kind. */
export interface Read {
  readonly loaded: Loaded;
  /** Of a flume.conf: what Flume passes over in silence. */
  readonly doubts: readonly Problem[];
  /** Of a flume.conf: keys that mean nothing here. */
  readonly nothings: readonly Problem[];
  /** Of a flume.conf: the config that it was converted to. */
  readonly yaml?: string | undefined;
}

/** The config of a verb: its file, and how it is read, now and at a reload. */
export interface WhichConfig {
  readonly path: string;
  readonly read: (pipes?: Pipes) => Promise<Read>;
}

/** Finds out which config is meant. */
export function whichConfig(given: Arguments, world: CommandContext): WhichConfig {
  const flumeConf = given.value("flume-conf");
  if (flumeConf !== undefined) return flumeConfig(flumeConf, given, world);
  const path = configPath(given, world);
  const read = async (pipes?: Pipes) => ({
    loaded: loadConfig(path, world.registry, world.environment, pipes),
    doubts: [],
    nothings: [],
  });
  return { path, read };
}

/** An agent of a flume.conf. */
export function flumeConfig(path: string, given: Arguments, { registry, environment }: CommandContext): WhichConfig {
  const read = async (pipes?: Pipes) => {
    const { loadFlumeConf } = await import("../flume/load-flume-conf.ts");
    const [agent, dataDir] = [given.value("name"), given.value("data-dir")];
    return loadFlumeConf({ path, agent, dataDir, registry, environment, folder: process.cwd(), pipes });
  };
  return { path, read };
}
