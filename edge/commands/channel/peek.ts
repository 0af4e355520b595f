import { AppError } from "../../../shared/errors/app-error.ts";
import type { Arguments, Command } from "../command.ts";
import { chosenChannel, fileOptions, withChannels } from "./open-channels.ts";
import { recordsOf, renderProblem, renderRecord } from "./render-record.ts";

const bodyBytesMax = 512;

/** `tailgate channel peek`. */
export const channelPeek: Command = {
  name: "channel peek",
  summary: "Shows the oldest events that a channel holds; takes nothing out",
  positionals: ["[channel]", "[config]"],
  options: {
    ...fileOptions,
    count: { summary: "How many (default: 10)", value: "n", short: "n" },
    from: { summary: "From this number of each lane on", value: "seq" },
  },
  run(given, world) {
    return withChannels(given, world, (inspector) => {
      let left = wholeNumber(given, "count", 10);
      for (const batch of inspector.batches(chosenChannel(given, inspector), wholeNumber(given, "from", 0))) {
        if (batch.problem !== undefined) world.err(renderProblem(batch));
        if (batch.kind === "shed")
          world.err(`${batch.count} events from number ${batch.first} on were dropped by policy\n`);
        for (const record of recordsOf(batch)) {
          if (left-- <= 0) return 0;
          world.out(`${renderRecord(batch, record, bodyBytesMax)}\n`);
        }
      }
      return 0;
    });
  },
};

function wholeNumber(given: Arguments, name: string, standard: number): number {
  const text = given.value(name);
  if (text === undefined) return standard;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError("USAGE", `tailgate channel peek: --${name} "${text}" is not a whole number`);
}
