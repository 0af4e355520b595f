import { z } from "zod";
import { defineSelector } from "../core/define.ts";
import type { Selector } from "../core/selector.ts";

/** Flume's org.apache.flume.channel.ReplicatingChannelSelector. */
export default defineSelector({
  type: "replicating",
  summary: "Every event goes to all channels of its source. The default.",
  stability: "stable",
  config: () => z.strictObject({}),
  example: {},
  flume: () => [
    {
      names: ["replicating", "org.apache.flume.channel.ReplicatingChannelSelector"],
      keys: { optional: { by: "`full: drop_newest` of that channel, where what it has no room for is counted" } },
    },
  ],
  create: (_config, { channels }): Selector => {
    const all = channels.map((_name, index) => index);
    return { select: () => all };
  },
});
