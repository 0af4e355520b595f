import { z } from "zod";
import type { Random } from "../../shared/random/random.ts";
import { defineSelector } from "../core/define.ts";
import { asWord } from "../core/flume-mapping.ts";
import type { Selector } from "../core/selector.ts";

/** Flume's org.apache.flume.channel.LoadBalancingChannelSelector. */
export default defineSelector({
  type: "load_balancing",
  summary:
    "Every event goes to one of its source's channels, in turn or by chance. Which one does not depend on the event: order holds within a channel.",
  stability: "experimental",
  config: () =>
    z.strictObject({
      policy: z
        .enum(["round_robin", "random"])
        .default("round_robin")
        .meta({ description: "How the channel of an event is found." }),
    }),
  example: { policy: "round_robin" },
  flume: () => [
    {
      names: ["load_balancing", "org.apache.flume.channel.LoadBalancingChannelSelector"],
      keys: { policy: { to: "policy", as: asWord({ round_robin: "round_robin", random: "random" }) } },
      differences: ["A policy of your own is Java, and refused.", "A full channel is waited for, as in Flume."],
    },
  ],
  create: ({ policy }, { channels, random }): Selector => {
    // A list for each channel, so that no event makes one.
    const lists = channels.map((_name, index) => [index]);
    return policy === "random" ? byChance(lists, random) : inTurn(lists);
  },
});

const nowhere: readonly number[] = [];

function inTurn(lists: readonly (readonly number[])[]): Selector {
  let next = 0;
  return {
    select: () => {
      const chosen = lists[next];
      next = (next + 1) % lists.length;
      return chosen ?? nowhere;
    },
  };
}

function byChance(lists: readonly (readonly number[])[], random: Random): Selector {
  return { select: () => lists[Math.floor(random.next() * lists.length)] ?? nowhere };
}
