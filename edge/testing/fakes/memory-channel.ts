import type { Clock } from "../../../shared/clock/clock.ts";
import { MemoryChannel } from "../../channels/memory/memory-channel.ts";
import { plainChoice } from "../contracts/batches.ts";

/** The real memory channel, for tests of what stands on a channel that forgets. */
export function memoryChannel(name: string, clock: Clock): MemoryChannel {
  return new MemoryChannel({ name, agent: "agent", ...plainChoice(), epoch: () => "epoch", clock });
}
