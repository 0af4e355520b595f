import { existsSync, lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { stringify } from "yaml";
import { formatByteSize } from "../../shared/config/byte-size.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { freeBytes } from "../../shared/files/free-bytes.ts";
import { kindOf } from "../../shared/files/open-regular.ts";
import { isFileTrouble } from "../../shared/files/refusal.ts";
import { otherThanFile } from "../channels/sqlite/data-files.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { type Command, forceOption } from "./command.ts";
import { accepted, reportNotes, reportWarnings } from "./report-problems.ts";
import { tryDestinations } from "./try-destinations.ts";
import { whichConfig, whichConfigOptions } from "./which-config.ts";

/** Channels that would take nothing as the disk is now, a sentence each. */
function lowDisks({ channels, dataDir }: AgentConfig): string {
  let folder = dataDir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const free = freeBytes(folder);
  let said = "";
  for (const [name, { stored }] of channels) {
    const wanted = stored?.freeBytesMin ?? 0;
    if (free >= wanted) continue;
    said += `channel ${name} takes nothing as it is: ${folder} has ${formatByteSize(free)} free, freeDisk leaves ${formatByteSize(wanted)} to others [warning]\n`;
  }
  return said;
}

/** What on this machine a start would refuse of the data directory and its files, in words; empty: nothing, as far as is to be seen. */
function refusedData({ dataDir }: AgentConfig): string {
  let at = dataDir;
  while (!isThere(at) && dirname(at) !== at) at = dirname(at);
  try {
    const found = statSync(at);
    if (!found.isDirectory()) return `dataDir: ${at} is ${kindOf(found)}, no folder`;
    const other = at === dataDir ? otherThanFile(dataDir) : undefined;
    return other === undefined
      ? ""
      : `dataDir: ${other.path} is ${other.kind}; a file of the agent's own belongs there`;
  } catch (thrown) {
    return `dataDir: ${at}: ${messageOf(thrown)}`;
  }
}

/** Links count as what they are: one that leads nowhere is in the way of a folder. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (thrown) {
    if (isFileTrouble(thrown)) return false; // Below a file, or longer than the system takes.
    throw thrown;
  }
}

/** What the sources find when they compare their config with this machine, a line each. */
async function remarks({ sources, dataDir, ownFiles }: AgentConfig): Promise<string> {
  let said = "";
  const claims = new Map<string, string>();
  for (const [name, { make }] of sources) {
    const claim = (what: string) => {
      const owner = claims.get(what) ?? name;
      claims.set(what, owner);
      return owner === name ? undefined : owner;
    };
    for (const { level, field, message } of (await make.inspect?.({ dataDir, ownFiles, claim })) ?? []) {
      said += `sources.${name}.${field}: ${message} [${level}]\n`;
    }
  }
  return said;
}

/** `tailgate check`. */
export const check: Command = {
  name: "check",
  summary: "Says everything that is wrong with a config, and touches nothing",
  positionals: ["[config]"],
  options: {
    ...whichConfigOptions,
    ...forceOption,
    connect: { summary: "Also tries whether the destinations of sinks, and channels elsewhere, answer" },
    strict: { summary: "Takes every warning for a mistake" },
    print: { summary: "Prints the config with all defaults, without its secrets" },
  },
  async run(given, world) {
    const { path, read } = whichConfig(given, world);
    const { loaded: found, doubts, nothings } = await read();
    world.err(reportNotes(nothings));
    world.err(reportWarnings(doubts));
    const loaded = accepted(found, given.flag("force"), world.err);
    if (loaded === undefined) return 2;
    if (given.flag("strict") && doubts.length + loaded.warnings.length > 0) {
      world.err(`refused: ${doubts.length + loaded.warnings.length} warnings, and --strict takes none\n`);
      return 2;
    }
    const refused = refusedData(loaded.config);
    if (refused !== "") {
      world.err(`${refused}: the agent will not start [error]\n`);
      return 2;
    }
    world.err(lowDisks(loaded.config));
    world.err(await remarks(loaded.config));
    if (given.flag("print")) world.out(stringify(JSON.parse(JSON.stringify(loaded.effective))));
    if (given.flag("connect") && !(await tryDestinations(loaded.config, world))) return 1;
    const { sources, channels, sinks } = loaded.config;
    world.err(`${path} is valid: ${sources.size} sources, ${channels.size} channels, ${sinks.size} sinks\n`);
    return 0;
  },
};
