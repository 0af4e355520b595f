import { z } from "zod";
import { sinkName } from "../../shared/config/channel-name.ts";
import { duration } from "../../shared/config/duration.ts";
import { defineSink } from "../core/define.ts";
import { asMs, legalFlumeName } from "../core/flume-mapping.ts";

/** Flume's org.apache.flume.sink.FailoverSinkProcessor: the order of the list stands for its priorities. */
export default defineSink({
  type: "failover",
  summary: "A group: the first of its sinks that works delivers; the others stand by.",
  stability: "experimental",
  config: () =>
    z.strictObject({
      sinks: z
        .array(sinkName())
        .min(1)
        .meta({ description: "Its members, the preferred one first. They have no `channel` of their own." }),
      maxPenalty: duration({ min: 1_000 }).prefault("30s").meta({
        description:
          "How long a member that failed rests at most before it is tried again: 1 s at first, twice as long with each failure.",
      }),
      inDoubt: z.enum(["repeat", "wait"]).default("repeat").meta({
        description:
          "What happens to a batch that a member which failed may have. `repeat`: another member delivers it, and it is counted as maybe repeated. `wait`: it waits for that member.",
      }),
    }),
  example: { sinks: ["near", "far"] },
  flume: () => [
    {
      names: ["failover", "org.apache.flume.sink.FailoverSinkProcessor"],
      group: true,
      keys: {
        "priority.*": { by: "the order of `sinks`, the highest first" },
        maxpenalty: { to: "maxPenalty", as: asMs },
      },
      finish: (draft) => {
        const members = draft.get("sinks");
        const priorities = draft.below("priority.");
        if (!Array.isArray(members)) return;
        const priorityOf = (name: string) => {
          for (const [sink, { text }] of priorities) if (legalFlumeName(sink) === name) return Number(text);
          return Number.NEGATIVE_INFINITY;
        };
        draft.set(
          "sinks",
          members.map(String).toSorted((a, b) => priorityOf(b) - priorityOf(a)),
        );
      },
    },
  ],
  create: async ({ maxPenalty, inDoubt }, context) => {
    const { GroupSink } = await import("../groups/group-sink.ts");
    return new GroupSink(context, {
      order: (members) => members,
      inDoubt,
      restMsMax: maxPenalty,
      batchesPerTurn: 0,
    });
  },
});
