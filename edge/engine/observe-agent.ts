import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { Channel } from "../core/channel.ts";
import type { Book, StreamCounters } from "./books.ts";
import type { LaneUse } from "./lane-router.ts";
import type { LoopLag } from "./loop-lag.ts";
import type { LaneRun } from "./sink-runner.ts";
import type { SourceState } from "./source-run.ts";

/** What the metrics of an agent are read from, at the moment the page is asked for: a reload changes who is there. */
export interface ObservedAgent {
  readonly channels: () => Iterable<Channel>;
  readonly books: () => readonly Book[];
  readonly beside: () => ReadonlyMap<string, StreamCounters>;
  readonly sources: () => Iterable<{ readonly name: string; readonly state: SourceState; readonly restarts: number }>;
  readonly lanes: () => readonly StreamLanes[];
  readonly deliveries: () => Iterable<LaneRun>;
  readonly loopLag: LoopLag;
}

/** How many lanes a stream has in a channel, and how many it may have. */
export interface StreamLanes extends LaneUse {
  readonly stream: string;
  readonly channel: string;
}

const bookFields = [
  "read",
  "filtered",
  "elsewhere",
  "unselected",
  "dropped",
  "shed",
  "dead",
  "sent",
  "held",
  "maybeRepeated",
] as const;

/** Registers what the engine knows; everything is read when the metrics page is asked for. */
export function observeAgent(metrics: Metrics, observed: ObservedAgent): void {
  const { channels, books, beside, sources, lanes, deliveries, loopLag } = observed;
  metrics.gather(
    "tailgate_event_loop_lag_seconds",
    "How late the event loop ran its timers within the last minute.",
    "gauge",
    () => [0.5, 0.99, 1].map((quantile) => [{ quantile: String(quantile) }, loopLag.quantile(quantile)] as const),
  );
  const ofChannels = (name: string, help: string, read: (channel: Channel) => number) =>
    metrics.gather(name, help, "gauge", function* () {
      for (const channel of channels()) yield [{ channel: channel.name }, read(channel)] as const;
    });
  ofChannels("tailgate_channel_events", "Events held.", (channel) => channel.stat().events);
  ofChannels("tailgate_channel_batches", "Batches held.", (channel) => channel.stat().batches);
  ofChannels("tailgate_channel_bytes", "Bytes held, as stored.", (channel) => channel.stat().bytes);
  ofChannels("tailgate_channel_bytes_max", "Bytes it may hold.", (channel) => channel.stat().bytesMax);
  ofChannels("tailgate_channel_full", "1 while it takes nothing more.", (channel) =>
    channel.admission() === "open" ? 0 : 1,
  );
  const booksHelp = "Events by what became of them; read is the sum of the others.";
  metrics.gather("tailgate_events_total", booksHelp, "counter", function* () {
    for (const book of books()) {
      for (const as of bookFields) yield [{ stream: book.stream, channel: book.channel, as }, book[as]] as const;
    }
  });
  const besideHelp = "What a stream counts beside its books: lost_at_source, compressed_skipped, cut, …";
  metrics.gather("tailgate_stream_counts_total", besideHelp, "counter", function* () {
    for (const [stream, counters] of beside()) {
      for (const [count, value] of Object.entries(counters)) yield [{ stream, count }, value] as const;
    }
  });
  observeLanes(metrics, lanes);
  const failedHelp = "Lanes that cannot go on until the next start; `/status` says why, and what they hold waits.";
  metrics.gather("tailgate_lanes_failed", failedHelp, "gauge", () => failedLanes(deliveries()));
  const lanesHelp = "What the lanes of a stream count beside their books: maybe_repeated, lost_by_broker, …";
  metrics.gather("tailgate_lane_counts_total", lanesHelp, "counter", function* () {
    for (const channel of channels()) yield* laneCounts(channel);
  });
  metrics.gather(
    "tailgate_source_running",
    "1 while the source reads; 0 while it is made anew.",
    "gauge",
    function* () {
      for (const { name, state } of sources()) yield [{ source: name }, state.state === "running" ? 1 : 0] as const;
    },
  );
  const restartsHelp = "How often a source ended by itself and was made anew.";
  metrics.gather("tailgate_source_restarts_total", restartsHelp, "counter", function* () {
    for (const { name, restarts } of sources()) yield [{ source: name }, restarts] as const;
  });
}

function observeLanes(metrics: Metrics, lanes: () => readonly StreamLanes[]): void {
  metrics.gather("tailgate_lanes", "Lanes that a stream has in a channel.", "gauge", () =>
    lanes().map(({ stream, channel, lanes: count }) => [{ stream, channel }, count] as const),
  );
  const help =
    "Events that went to the default group: they named one that is not allowed, or one more than there may be.";
  metrics.gather("tailgate_events_defaulted_total", help, "counter", () =>
    lanes().map(({ stream, channel, defaulted }) => [{ stream, channel }, defaulted] as const),
  );
}

/** Of every stream that has lanes, also where none has failed: an alarm must know the difference from no answer. */
function* failedLanes(deliveries: Iterable<LaneRun>) {
  const sums = new Map<string, { readonly channel: string; readonly stream: string; failed: number }>();
  for (const { lane, state } of deliveries) {
    const { channel, stream } = lane;
    const key = JSON.stringify([channel, stream]);
    const sum = sums.get(key) ?? { channel, stream, failed: 0 };
    sums.set(key, sum);
    if (state.kind === "failed") sum.failed++;
  }
  for (const { channel, stream, failed } of sums.values()) yield [{ channel, stream }, failed] as const;
}

/** Summed over the lanes of a stream: a lane is nothing that an alarm is set on. */
function* laneCounts(channel: Channel) {
  const sums = new Map<string, Map<string, number>>();
  for (const { lane, counters } of channel.stat().lanes) {
    const ofStream = sums.get(lane.stream) ?? new Map<string, number>();
    sums.set(lane.stream, ofStream);
    for (const [count, value] of Object.entries(counters)) ofStream.set(count, (ofStream.get(count) ?? 0) + value);
  }
  for (const [stream, counts] of sums) {
    for (const [count, value] of counts) yield [{ channel: channel.name, stream, count }, value] as const;
  }
}
