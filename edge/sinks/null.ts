import { z } from "zod";
import { defineSink } from "../core/define.ts";
import type { Delivery, Sink } from "../core/sink.ts";

/** Flume's org.apache.flume.sink.NullSink. */
export default defineSink({
  type: "null",
  summary: "Takes every event and keeps none: for trying sources and channels.",
  stability: "stable",
  config: () => z.strictObject({}),
  example: {},
  flume: () => [
    {
      names: ["null", "org.apache.flume.sink.NullSink"],
      keys: {
        batchSize: { nothing: "nothing is written" },
        logEveryNEvents: { nothing: "the status counts what was taken" },
      },
    },
  ],
  create: () => new NullSink(),
});

class NullSink implements Sink {
  private events = 0;

  async start(): Promise<void> {}

  lane() {
    return {
      deliver: async ({ count }: { readonly count: number }): Promise<Delivery> => {
        this.events += count;
        return { kind: "delivered" };
      },
    };
  }

  async stop(): Promise<void> {}

  status() {
    return { state: "discarding", events: this.events };
  }
}
