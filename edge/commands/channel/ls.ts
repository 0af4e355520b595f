import { formatByteSize } from "../../../shared/config/byte-size.ts";
import type { Command } from "../command.ts";
import { fileOptions, withChannels } from "./open-channels.ts";

/** `tailgate channel ls`. */
export const channelLs: Command = {
  name: "channel ls",
  summary: "Lists the channels of the channel file and what they hold",
  positionals: ["[config]"],
  options: fileOptions,
  run(given, world) {
    return withChannels(given, world, (inspector) => {
      const rows = inspector.channels().map(({ name, events, batches, bytes, deadBatches }) => {
        const dead = deadBatches === 0 ? "" : `  ${deadBatches} dead batches`;
        return `${name.padEnd(20)} ${events} events in ${batches} batches, ${formatByteSize(bytes)}${dead}`;
      });
      world.out(rows.length === 0 ? "no channel yet\n" : `${rows.join("\n")}\n`);
      return 0;
    });
  },
};
