import { stringify } from "yaml";
import { formatByteSize } from "../../shared/config/byte-size.ts";
import { nearestThere } from "../../shared/files/folder-trouble.ts";
import { freeBytes } from "../../shared/files/free-bytes.ts";
import { adminRefusal } from "../admin/admin-server.ts";
import { isInUse } from "../channels/sqlite/open.ts";
import { startRefusal } from "../channels/sqlite/start-refusals.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { type Command, forceOption } from "./command.ts";
import { accepted, reportNotes, reportRefusal, reportWarnings } from "./report-problems.ts";
import { tryDestinations } from "./try-destinations.ts";
import { whichConfig, whichConfigOptions } from "./which-config.ts";

/** Channels that would take nothing as the disk is now, a sentence each. */
function lowDisks({ channels, dataDir }: AgentConfig): string {
  const folder = nearestThere(dataDir);
  const free = freeBytes(folder);
  let said = "";
  for (const [name, { stored }] of channels) {
    const wanted = stored?.freeBytesMin ?? 0;
    if (free >= wanted) continue;
    said += `channel ${name} takes nothing as it is: ${folder} has ${formatByteSize(free)} free, freeDisk leaves ${formatByteSize(wanted)} to others [warning]\n`;
  }
  return said;
}

/**
 * What a start would refuse of this machine, in the start's own words. An agent that runs on the folder is no mistake: its config
 * is looked at before it is reloaded. Answers the exit code that the start would have.
 */
async function refusals({ dataDir, channels, admin }: AgentConfig, say: (text: string) => void): Promise<number> {
  const stored = new Map([...channels].filter(([, { stored }]) => stored !== undefined));
  const runs = isInUse(dataDir);
  const found = [admin && !runs ? await adminRefusal(admin) : undefined, startRefusal(dataDir, stored)];
  const refused = found.filter((error) => error !== undefined);
  for (const error of refused) say(`${reportRefusal(error)}the agent will not start [error]\n`);
  if (runs)
    say(
      `an agent runs on ${dataDir}: a second one would be refused, and whether the address of the admin HTTP can be had is not tried [note]\n`,
    );
  if (refused.length === 0) return 0;
  return refused.some(({ severity }) => severity === "usage") ? 2 : 1;
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
    "config-only": {
      summary: "Looks at the config and not at this machine: for a config that is meant for another one",
    },
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
    if (!given.flag("config-only")) {
      const refused = await refusals(loaded.config, world.err);
      if (refused !== 0) return refused;
      world.err(lowDisks(loaded.config));
      world.err(await remarks(loaded.config));
    }
    if (given.flag("print")) world.out(stringify(JSON.parse(JSON.stringify(loaded.effective))));
    if (given.flag("connect") && !(await tryDestinations(loaded.config, world))) return 1;
    const { sources, channels, sinks } = loaded.config;
    const parts = [counted(sources, "source"), counted(channels, "channel"), counted(sinks, "sink")];
    world.err(`${path} is valid: ${parts.join(", ")}\n`);
    return 0;
  },
};

function counted({ size }: ReadonlyMap<string, unknown>, what: string): string {
  return `${size} ${what}${size === 1 ? "" : "s"}`;
}
