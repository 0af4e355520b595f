import { z } from "zod";
import { sinkName } from "../../shared/config/channel-name.ts";
import { duration } from "../../shared/config/duration.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSink } from "../core/define.ts";
import { asFlag, asMs, asWord } from "../core/flume-mapping.ts";

/** Flume's org.apache.flume.sink.LoadBalancingSinkProcessor. */
export default defineSink({
  type: "load_balance",
  summary: "A group: its sinks share the batches; what one does not deliver, the next one does.",
  stability: "experimental",
  config: () =>
    z.strictObject({
      sinks: z.array(sinkName()).min(1).meta({ description: "Its members. They have no `channel` of their own." }),
      selector: z
        .enum(["round_robin", "random"])
        .default("round_robin")
        .meta({ description: "How a lane finds the member for its next batch." }),
      batchesPerTurn: z.int().min(1).default(1).meta({
        description:
          "Batches that a lane gives to one member before it takes the next. Each change writes a row; a Kafka sink begins a session with it.",
      }),
      backoff: z
        .boolean()
        .default(true)
        .meta({ description: "A member that failed rests: 1 s at first, twice as long with each failure." }),
      maxTimeOut: duration({ min: 1_000 }).prefault("30s").meta({ description: "The longest such rest." }),
      inDoubt: z.enum(["repeat", "wait"]).default("repeat").meta({
        description:
          "What happens to a batch that a member which failed may have. `repeat`: another member delivers it, and it is counted as maybe repeated. `wait`: it waits for that member.",
      }),
    }),
  example: { sinks: ["one", "other"] },
  flume: () => [
    {
      names: ["load_balance", "org.apache.flume.sink.LoadBalancingSinkProcessor"],
      group: true,
      keys: {
        backoff: { to: "backoff", as: asFlag },
        selector: { to: "selector", as: asWord({ round_robin: "round_robin", random: "random" }) },
        "selector.maxTimeOut": { to: "maxTimeOut", as: asMs },
      },
      start: { backoff: false },
    },
  ],
  create: async ({ selector, batchesPerTurn, backoff, maxTimeOut, inDoubt }, context) => {
    const { GroupSink } = await import("../groups/group-sink.ts");
    const order = selector === "random" ? shuffled(context.random) : taken();
    return new GroupSink(context, { order, inDoubt, restMsMax: backoff ? maxTimeOut : 0, batchesPerTurn });
  },
});

/** From the one after the lane's last member; lanes begin one after the other. */
function taken() {
  let lanes = 0;
  return <M>(members: readonly M[], current: M | undefined): readonly M[] => {
    const last = current === undefined ? -1 : members.indexOf(current);
    const from = last < 0 ? lanes++ % Math.max(1, members.length) : last + 1;
    return [...members.slice(from), ...members.slice(0, from)];
  };
}

function shuffled(random: Random) {
  return <M>(members: readonly M[]): readonly M[] => {
    const rest = [...members];
    for (let index = rest.length - 1; index > 0; index--) {
      const other = Math.floor(random.next() * (index + 1));
      const [one, two] = [rest[index], rest[other]];
      if (one !== undefined && two !== undefined) [rest[index], rest[other]] = [two, one];
    }
    return rest;
  };
}
