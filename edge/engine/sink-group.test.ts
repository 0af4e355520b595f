import { expect, test } from "bun:test";
import { aborted } from "../../shared/async/aborted.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { until } from "../../shared/testing/until.ts";
import type { LaneDelivery, Sink } from "../core/sink.ts";
import { type ArrayChannel, ArrayStore } from "../testing/fakes/array-store.ts";
import { testBatches } from "../testing/fakes/test-batches.ts";
import { type DeliveryState, runLane } from "./run-lane.ts";
import { laneStatus } from "./sink-group.ts";
import { SinkRunner } from "./sink-runner.ts";

function channelWith(batches: number): ArrayChannel {
  const store = new ArrayStore();
  const channel = store.channel("main");
  const lane = channel.createLane({ channel: "main", stream: "s", group: "t", part: undefined });
  const batch = { lane, kind: "records" as const, count: 1, timeMsMin: 0, timeMsMax: 0, recordsCrc: 0 };
  const made = Array.from({ length: batches }, (_, first) => ({ ...batch, first, bytes: Buffer.from("x") }));
  store.commit({ batches: made, positions: [], counters: [] });
  return channel;
}

/** Runs the only lane of a channel. */
function deliver(
  channel: ArrayChannel,
  delivery: LaneDelivery,
  signal: AbortSignal,
  changed: (state: DeliveryState) => void = () => {},
): Promise<void> {
  const [lane] = channel.lanes();
  if (lane === undefined) throw new Error("no lane was made");
  const options = {
    reader: channel.reader(lane),
    delivery,
    givenUp: signal,
    wait: aborted,
    mayStart: () => true,
    drained: () => {},
    ended: () => {},
    taken: () => {},
    changed,
    random: seededRandom(1),
    report: silent,
    sinkName: "kafka",
  };
  return runLane(options, signal);
}

test("what a sink says of its lanes stands beside what the runner knows", async () => {
  const sink: Sink = {
    start: async () => {},
    stop: async () => {},
    status: () => ({ connected: true }),
    lane: () => ({
      deliver: async () => ({ kind: "delivered" }),
      status: () => ({ partition: 3, leader: "2 (kafka-2:9092)", producer: "7.0" }),
    }),
  };
  const stop = new AbortController();
  const channel = channelWith(1);
  const runner = new SinkRunner({
    channel,
    sinks: [{ name: "kafka", sink }],
    random: seededRandom(1),
    report: silent,
    onInvariant: () => {},
    ended: () => {},
    taken: () => {},
  });
  const done = runner.run(stop.signal, stop.signal);
  await until("the batch to be sent", () => channel.held.length === 0);
  expect(runner.lanes().map(laneStatus)).toMatchObject([
    { stream: "s", group: "t", partition: 3, leader: "2 (kafka-2:9092)", producer: "7.0", state: { kind: "idle" } },
  ]);
  stop.abort();
  await done;
});

test("a lane tries as soon as its destination is back, and is patient anew after that", async () => {
  const channel = channelWith(1);
  let away = true;
  const back = Promise.withResolvers<void>();
  const delivery: LaneDelivery = {
    deliver: async () => {
      // So long that only the destination's own word can end the wait.
      if (away) throw new AppError("KAFKA_UNREACHABLE", "deliver in a test", { retryAfterMs: 60_000 });
      return { kind: "delivered" };
    },
    back: (signal) => Promise.race([back.promise, aborted(signal)]),
  };
  const stop = new AbortController();
  const states: string[] = [];
  const running = deliver(channel, delivery, stop.signal, ({ kind }) => void states.push(kind));
  await until("a delivery to fail", () => states.includes("retrying"));
  away = false;
  back.resolve();
  await until("the batch to be sent", () => channel.held.length === 0, Boolean, { withinMs: 2_000 });
  stop.abort();
  await running;
});

test("a lane that is stopped in the middle of a batch acknowledges the half that the destination has", async () => {
  const store = new ArrayStore();
  const channel = store.channel("main");
  const lane = channel.createLane({ channel: "main", stream: "s", group: "t", part: undefined });
  store.commit({ batches: testBatches(lane, 1, 5), positions: [], counters: [] });
  const tried = Promise.withResolvers<void>();
  const delivery: LaneDelivery = {
    deliver: async () => {
      tried.resolve();
      throw new AppError("KAFKA_UNREACHABLE", "deliver in a test", { retryAfterMs: 60_000 });
    },
    leave: () => 2,
  };
  const stop = new AbortController();
  const running = deliver(channel, delivery, stop.signal);
  await tried.promise;
  stop.abort();
  await running;
  expect(channel.held.map(({ first, count }) => [first, count])).toEqual([[2, 3]]);
});
