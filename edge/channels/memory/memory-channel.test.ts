import { VirtualClock } from "../../../shared/clock/clock.ts";
import { plainChoice } from "../../testing/contracts/batches.ts";
import { channelContract } from "../../testing/contracts/channel.contract.ts";
import { createMemoryChannels } from "./memory-channels.ts";

channelContract("memory", () => {
  const clock = new VirtualClock();
  return {
    clock,
    durable: false,
    open(choice) {
      const channels = new Map([["main", plainChoice("memory", choice)]]);
      const memory = createMemoryChannels({ agent: "agent", channels, epoch: "epoch", onDelivered: () => {}, clock });
      const channel = memory.channels.get("main");
      if (channel === undefined) throw new Error("the channel was not made");
      return { channel, put: (batches) => memory.put(batches, []), mark() {}, close() {}, crash() {} };
    },
    [Symbol.dispose]() {},
  };
});
