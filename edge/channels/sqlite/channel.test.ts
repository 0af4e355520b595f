import { VirtualClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { plainChoice } from "../../testing/contracts/batches.ts";
import { channelContract } from "../../testing/contracts/channel.contract.ts";
import { openChannelStore } from "./open.ts";

channelContract("sqlite", () => {
  const dir = tempDir();
  const clock = new VirtualClock();
  const random = seededRandom(7);
  return {
    clock,
    durable: true,
    open(choice) {
      const channels = new Map([["main", plainChoice(choice)]]);
      const store = openChannelStore({
        dataDir: dir.path,
        agent: "agent",
        channels,
        clock,
        random,
        report: silent,
        metrics: new Metrics(),
        reserveBytes: 0,
      });
      const nothing = { positions: [], counters: [] };
      return {
        channel: store.channel("main"),
        put: (batches) => store.commit({ ...nothing, batches }),
        mark: () => store.commit({ ...nothing, batches: [] }),
        close: () => store.close(),
        crash: () => store.abandon(),
      };
    },
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  };
});
