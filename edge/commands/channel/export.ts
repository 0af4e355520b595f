import type { Inspector } from "../../channels/sqlite/inspect.ts";
import type { Arguments, Command, CommandContext } from "../command.ts";
import { chosenChannel, fileOptions, withChannels } from "./open-channels.ts";
import { recordsOf, renderProblem, renderRecord } from "./render-record.ts";

/** `tailgate channel export`. */
export const channelExport: Command = {
  name: "channel export",
  summary: "Writes what a channel holds to standard output, byte for byte; takes nothing out",
  positionals: ["[channel]", "[config]"],
  options: {
    ...fileOptions,
    dead: { summary: "What the destination refused for ever, in place of what waits for it" },
    json: { summary: "A JSON object an event, with key, headers and number, in place of the bare lines" },
  },
  details: "tailgate channel export main --dead --json | jq -r .body",
  run(given, world) {
    return withChannels(given, world, (inspector) => write(given, world, inspector));
  },
};

const newline = Buffer.from("\n");

async function write(given: Arguments, world: CommandContext, inspector: Inspector): Promise<number> {
  const channel = chosenChannel(given, inspector);
  let damaged = 0;
  for (const batch of given.flag("dead") ? inspector.dead(channel) : inspector.batches(channel)) {
    if (batch.problem !== undefined) {
      damaged++;
      world.err(renderProblem(batch));
    }
    const parts: Buffer[] = [];
    for (const record of recordsOf(batch)) {
      parts.push(given.flag("json") ? Buffer.from(renderRecord(batch, record)) : record.value, newline);
    }
    // A batch at a time, as fast as the reader takes it: the backlog may be larger than the memory.
    if (parts.length > 0) await world.outBytes(Buffer.concat(parts));
  }
  return damaged === 0 ? 0 : 1;
}
