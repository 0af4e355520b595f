import { VirtualClock } from "../../../shared/clock/clock.ts";
import { plainChoice } from "../../testing/contracts/batches.ts";
import { channelContract } from "../../testing/contracts/channel.contract.ts";
import { MemoryChannel } from "./memory-channel.ts";

channelContract("memory", () => {
  const clock = new VirtualClock();
  return {
    clock,
    durable: false,
    open(choice) {
      const channel = new MemoryChannel({
        name: "main",
        agent: "agent",
        ...plainChoice(choice),
        epoch: "epoch",
        clock,
      });
      return { channel, put: (batches) => channel.put(batches, () => {}), mark() {}, close() {}, crash() {} };
    },
    [Symbol.dispose]() {},
  };
});
