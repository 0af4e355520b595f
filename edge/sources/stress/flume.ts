import { asNumber, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";

const stress: FlumeMapping = {
  names: ["org.apache.flume.source.StressSource"],
  keys: {
    size: { to: "size", as: asNumber },
    maxTotalEvents: { by: "`totalEvents`; -1 is without end" },
    maxSuccessfulEvents: { by: "`totalEvents`, the smaller of both: an event is not made without success" },
    maxEventsPerSecond: { by: "`eventsPerSecondMax`; 0 is as fast as it goes" },
    batchSize: { nothing: "events are committed by the agent's linger and by size" },
  },
  finish: (draft) => {
    const bounds = ["maxTotalEvents", "maxSuccessfulEvents"]
      .map((key) => ({ key, amount: numberOf(draft, key) }))
      .filter((bound) => bound.amount !== undefined && bound.amount >= 0)
      .sort((one, other) => Number(one.amount) - Number(other.amount));
    const [smallest] = bounds;
    if (smallest !== undefined) draft.set("totalEvents", smallest.amount, smallest.key);
    const perSecond = numberOf(draft, "maxEventsPerSecond");
    if (perSecond !== undefined && perSecond > 0) draft.set("eventsPerSecondMax", perSecond, "maxEventsPerSecond");
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [stress];

function numberOf(draft: FlumeDraft, key: string): number | undefined {
  const value = draft.value(key);
  if (value === undefined) return undefined;
  if (/^[-+]?\d+$/.test(value.text)) return Number(value.text);
  draft.refuse(key, `"${value.text}" is no whole number`);
  return undefined;
}
