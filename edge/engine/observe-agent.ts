import type { Labels, Metrics } from "../../shared/telemetry/metrics.ts";
import type { Channel, ChannelStat } from "../core/channel.ts";
import type { ChannelStore } from "../core/channel-store.ts";
import { type BookedStream, keepBooks } from "./books.ts";
import type { LaneRouter } from "./lane-router.ts";
import type { LoopLag } from "./loop-lag.ts";

/** What the metrics of an agent are read from. */
export interface ObservedAgent {
  readonly store: ChannelStore;
  readonly channels: ReadonlyMap<string, Channel>;
  readonly streams: readonly { readonly booked: BookedStream; readonly routers: readonly LaneRouter[] }[];
  readonly loopLag: LoopLag;
}

const bookFields = [
  "read",
  "filtered",
  "unselected",
  "dropped",
  "shed",
  "dead",
  "sent",
  "held",
  "maybeRepeated",
] as const;

/** Registers what the engine knows; everything is read when the metrics page is asked for. */
export function observeAgent(metrics: Metrics, { store, channels, streams, loopLag }: ObservedAgent): void {
  for (const quantile of [0.5, 0.99, 1]) {
    const help = "How late timers ran within the last minute.";
    const labels = { quantile: String(quantile) };
    metrics.observe("tailgate_event_loop_lag_seconds", help, labels, () => loopLag.quantile(quantile));
  }
  for (const [name, channel] of channels) {
    const labels = { channel: name };
    const stat = (read: (stat: ChannelStat) => number) => () => read(channel.stat());
    metrics.observe(
      "tailgate_channel_events",
      "Events held.",
      labels,
      stat(({ events }) => events),
    );
    metrics.observe(
      "tailgate_channel_batches",
      "Batches held.",
      labels,
      stat(({ batches }) => batches),
    );
    metrics.observe(
      "tailgate_channel_bytes",
      "Bytes held, as stored.",
      labels,
      stat(({ bytes }) => bytes),
    );
    metrics.observe(
      "tailgate_channel_bytes_max",
      "Bytes it may hold.",
      labels,
      stat(({ bytesMax }) => bytesMax),
    );
  }
  for (const { booked: stream, routers } of streams) {
    for (const [index, channel] of stream.channels.entries()) {
      observeLanes(metrics, { stream: stream.name, channel: channel.name }, routers[index]);
      for (const field of bookFields) {
        const help = "Events by what became of them; read is the sum of the others.";
        const labels = { stream: stream.name, channel: channel.name, as: field };
        const read = () => keepBooks(store, stream)[index]?.[field] ?? 0;
        metrics.observe("tailgate_events_total", help, labels, read, field === "held" ? "gauge" : "counter");
      }
    }
  }
}

function observeLanes(metrics: Metrics, labels: Labels, router: LaneRouter | undefined): void {
  if (router === undefined) return;
  const lanesHelp = "Lanes that a stream has in a channel.";
  metrics.observe("tailgate_lanes", lanesHelp, labels, () => router.use.lanes);
  const help =
    "Events that went to the default group: they named one that is not allowed, or one more than there may be.";
  metrics.observe("tailgate_events_defaulted_total", help, labels, () => router.use.defaulted, "counter");
}
