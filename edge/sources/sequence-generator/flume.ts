import { asNumber, type FlumeMapping } from "../../core/flume-mapping.ts";

const seq: FlumeMapping = {
  names: ["seq", "org.apache.flume.source.SequenceGeneratorSource"],
  keys: {
    batchSize: { nothing: "events are committed by the agent's linger and by size" },
    totalEvents: { by: "`totalEvents`" },
  },
  differences: ["Where the channel is durable, the numbers go on after a restart; Flume begins at 0 again."],
  finish: (draft) => {
    const total = draft.value("totalEvents");
    // Flume's default, Java's largest number, is no bound.
    if (total === undefined || Number(total.text) > Number.MAX_SAFE_INTEGER) return;
    const reading = asNumber(total);
    if (reading.ok) draft.set("totalEvents", reading.value, "totalEvents");
    else draft.refuse("totalEvents", reading.message);
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [seq];
