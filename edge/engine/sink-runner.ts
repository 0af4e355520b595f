import { Gate } from "../../shared/async/gate.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Channel } from "../core/channel.ts";
import { comesBefore, type Lane } from "../core/lane.ts";
import type { Sink } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { type DeliveryState, runLane } from "./run-lane.ts";

/** A sink with its name in the config. */
export interface NamedSink {
  readonly name: string;
  readonly sink: Sink;
}

/** One channel, who drains it, and whom to tell. */
export interface SinkRunnerOptions {
  readonly channel: Channel;
  /** The sinks that drain the channel; they share out its lanes. */
  readonly sinks: readonly NamedSink[];
  readonly random: Random;
  readonly report: Report;
  /** A lane threw what no lane may throw: the process must stop. */
  readonly onInvariant: (error: unknown) => void;
  /** Called after a batch ended: acknowledgements may want a durable mark. */
  readonly ended: () => void;
  /** A batch is handed to a sink, for the first time. */
  readonly taken: (batch: StoredBatch) => void;
}

/** What one lane does now, for the status page. */
export interface LaneRun {
  readonly lane: Lane;
  readonly sink: string;
  readonly state: DeliveryState;
  /** What the sink says of it. */
  readonly details: () => Readonly<Record<string, unknown>>;
}

const signals = {
  passed: defineSignal({
    name: "lane_passed",
    level: "error",
    message:
      "A lane goes on before one that it should come after and that cannot go on: what that holds is sent after the next start, behind what is newer",
  }),
};

/**
 * Drains one channel: one loop a lane, started when the lane appears. Lanes that took over from others (a topic that
 * grew, a new epoch) wait until those are drained, so that a key's order holds. For one that cannot go on nobody waits: that would
 * hold up everything new until somebody looks.
 */
export class SinkRunner {
  private readonly options: SinkRunnerOptions;
  private readonly runs = new Map<number, LaneRun & { state: DeliveryState; done: Promise<void> }>();
  /** Opens when a batch arrived or a lane ran empty. One gate for both: nobody is left waiting at a second one. */
  private readonly wake = new Gate();
  /** Lanes that wait for others to run empty. */
  private readonly waiting = new Set<number>();

  constructor(options: SinkRunnerOptions) {
    this.options = options;
  }

  /** Runs until the signal aborts; then waits for the lanes to let go of their batches, at the latest when `givenUp` aborts. */
  async run(signal: AbortSignal, givenUp: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const lane of this.options.channel.lanes()) {
        if (!this.runs.has(lane.id)) this.startLane(lane, signal, givenUp);
      }
      await this.options.channel.arrived.wait(signal);
      this.wake.open();
    }
    await Promise.all([...this.runs.values()].map(({ done }) => done));
  }

  lanes(): readonly LaneRun[] {
    return [...this.runs.values()];
  }

  /** Whether a lane has ended because its sink said that it cannot go on. */
  get failed(): boolean {
    return this.lanes().some(({ state }) => state.kind === "failed");
  }

  private startLane(lane: Lane, signal: AbortSignal, givenUp: AbortSignal): void {
    const { channel, sinks, random, report, ended, taken, onInvariant } = this.options;
    const chosen = sinks[lane.id % sinks.length];
    if (chosen === undefined) return;
    const reader = channel.reader(lane);
    let before = channel.lanes().filter((other) => comesBefore(other, lane));
    const delivery = chosen.sink.lane(reader);
    const run: LaneRun & { state: DeliveryState; done: Promise<void> } = {
      lane,
      sink: chosen.name,
      state: { kind: "idle" },
      details: () => delivery.status?.() ?? {},
      done: Promise.resolve(),
    };
    this.runs.set(lane.id, run);
    run.done = runLane(
      {
        reader,
        delivery,
        givenUp,
        wait: (stop) => this.wake.wait(stop),
        mayStart: () => {
          // Lanes that were taken over from get no more events: once empty, empty for ever.
          before = before.filter((other) => {
            const isDone = channel.reader(other).next() === undefined;
            const isPassed = !isDone && this.runs.get(other.id)?.state.kind === "failed";
            if (isPassed) this.reportPassed(run, other);
            return !isDone && !isPassed;
          });
          if (before.length === 0) this.waiting.delete(lane.id);
          else this.waiting.add(lane.id);
          return before.length === 0;
        },
        drained: () => {
          if (this.waiting.size > 0 && !this.waiting.has(lane.id)) this.wake.open();
        },
        ended,
        taken,
        changed: (state) => {
          run.state = state;
          if (state.kind === "failed") this.wake.open();
        },
        random,
        report,
        sinkName: chosen.name,
      },
      signal,
    ).catch(onInvariant);
  }

  private reportPassed({ lane, sink }: LaneRun, other: Lane): void {
    this.options.report(signals.passed, {
      component: sink,
      stream: lane.stream,
      lane: lane.number,
      epoch: lane.epoch,
      passedLane: other.number,
      passedEpoch: other.epoch,
    });
  }
}
