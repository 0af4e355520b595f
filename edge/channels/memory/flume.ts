import { asBytes, type FlumeMapping } from "../../core/flume-mapping.ts";

const inBytes = "the channel is bounded in bytes (`capacity`), not in events";

const memory: FlumeMapping = {
  names: ["memory", "org.apache.flume.channel.MemoryChannel"],
  keys: {
    capacity: { nothing: inBytes },
    transactionCapacity: { nothing: "sources wait for room chunk by chunk" },
    byteCapacity: { to: "capacity", as: asBytes },
    byteCapacityBufferPercentage: { nothing: "batches are counted with all that belongs to them" },
    "keep-alive": { nothing: "a source waits for room as long as it takes" },
  },
  differences: [
    "What it holds when the process is killed is read again from files: Flume loses it.",
    "Its capacity is in bytes, 32 MiB when not given.",
  ],
};

/** For `defineChannel`. */
export const mappings: readonly FlumeMapping[] = [memory];
