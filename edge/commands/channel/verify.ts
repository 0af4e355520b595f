import type { Command } from "../command.ts";
import { fileOptions, withChannels } from "./open-channels.ts";

/** `tailgate channel verify`. */
export const channelVerify: Command = {
  name: "channel verify",
  summary: "Reads and checks everything that is held; exit code 1 when something is damaged or missing",
  positionals: ["[config]"],
  options: fileOptions,
  run(given, world) {
    return withChannels(given, world, (inspector) => {
      let problems = 0;
      for (const { name } of inspector.channels()) {
        for (const { lane, first, count, what } of inspector.verify(name)) {
          problems++;
          world.out(`${name}: ${lane.stream}.${lane.number}: ${count} events from number ${first}: ${what}\n`);
        }
      }
      world.out(problems === 0 ? "everything that is held is whole\n" : `${problems} problems\n`);
      return problems === 0 ? 0 : 1;
    });
  },
};
