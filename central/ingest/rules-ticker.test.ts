import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { ConsumerState } from "../consumer/consumer.ts";
import type { RulesWork, TickLine } from "../store/rules-port.ts";
import { RulesTicker, tickSlackMs } from "./rules-ticker.ts";
import { noSnapshot } from "./snapshot.ts";

const nowMs = Date.UTC(2026, 0, 1);
const partition = (number: number, highWatermark: number, untoldForMs = 500) => ({
  topic: "t",
  partition: number,
  highWatermark,
  endOffset: highWatermark,
  logStartOffset: 0,
  untoldForMs,
  stalledForMs: 0,
});

async function ticked(state: Partial<ConsumerState>, fail?: AppError) {
  const seen: TickLine[] = [];
  const fatal: unknown[] = [];
  const rules: RulesWork = {
    tick: async (lines) => {
      if (fail !== undefined) throw fail;
      seen.push(...lines);
    },
    take: async () => [],
    delivered: async () => {},
    postpone: async () => {},
    counters: { vehiclesDropped: 0, deliveriesDropped: 0 },
  };
  const ticker = new RulesTicker({
    rules,
    consumer: () => ({ ...noSnapshot.consumer, ...state }),
    stored: ({ partition }) => [10, 9, undefined][partition],
    clock: new VirtualClock(nowMs),
    fatal: (thrown) => fatal.push(thrown),
  });
  await ticker.tick();
  ticker.stop();
  return { lines: seen.map(({ line }) => line), clocks: seen.map(({ clockMs }) => clockMs), fatal };
}

test("time passes only where everything that is there was read", async () => {
  const partitions = [partition(0, 10), partition(1, 10), partition(2, 0), partition(3, -1)];
  const { lines, clocks } = await ticked({ connected: true, partitions });
  expect(lines).toEqual(["t/0", "(relay)/0"]);
  expect(clocks).toEqual([nowMs - tickSlackMs, nowMs - tickSlackMs]);
  expect((await ticked({ connected: true, partitions: [partition(0, 10, 6_000)] })).lines).toEqual(["(relay)/0"]);
  expect((await ticked({ connected: false, partitions })).lines).toEqual(["(relay)/0"]);
});

test("a store that is away is waited for, anything else is a bug", async () => {
  const away = new AppError("CENTRAL_STORE_UNAVAILABLE", "away");
  expect((await ticked({}, away)).fatal).toEqual([]);
  expect((await ticked({}, new AppError("INVARIANT", "bug"))).fatal).toHaveLength(1);
});
