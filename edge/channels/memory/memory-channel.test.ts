import { expect, test } from "bun:test";
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
        epoch: () => "epoch",
        clock,
      });
      return { channel, put: (batches) => channel.put(batches, () => {}), mark() {}, close() {}, crash() {} };
    },
    [Symbol.dispose]() {},
  };
});

test("a lane that is made after the agent's epoch was renewed has the new one; those before keep theirs", () => {
  let epoch = "old";
  const options = { name: "main", agent: "agent", ...plainChoice({}), epoch: () => epoch, clock: new VirtualClock() };
  const channel = new MemoryChannel(options);
  const spec = { channel: "main", stream: "in", group: "g", part: undefined };
  const before = channel.createLane(spec);
  epoch = "new";
  const after = channel.createLane(spec);
  expect(before.epoch).toStartWith("old-");
  expect(after.epoch).toStartWith("new-");
  expect(channel.lanes().map((lane) => lane.epoch)).toEqual([before.epoch, after.epoch]);
});
