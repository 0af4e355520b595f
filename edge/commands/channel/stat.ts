import { formatByteSize } from "../../../shared/config/byte-size.ts";
import type { ChannelSummary, FileSummary, LaneSummary } from "../../channels/sqlite/inspect.ts";
import type { Command } from "../command.ts";
import { fileOptions, withChannels } from "./open-channels.ts";

/** `tailgate channel stat`. */
export const channelStat: Command = {
  name: "channel stat",
  summary: "Shows the channel file, and the books of every lane in it",
  positionals: ["[config]"],
  options: { ...fileOptions, json: { summary: "As JSON" } },
  run(given, world) {
    return withChannels(given, world, (inspector) => {
      const file = inspector.file();
      const channels = inspector.channels();
      const streams = Object.fromEntries(inspector.streams());
      const all = { file, channels, streams };
      world.out(given.flag("json") ? `${JSON.stringify(all, null, 2)}\n` : render(all));
      return 0;
    });
  },
};

/** What is shown: the file, its channels, and what the streams that fed them have counted. */
interface Shown {
  readonly file: FileSummary;
  readonly channels: readonly ChannelSummary[];
  readonly streams: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

function render({ file, channels, streams }: Shown): string {
  const { path, agent, epoch, fileBytes, freeBytes, walBytes, reserveBytes } = file;
  const sizes = `${formatByteSize(fileBytes)} (${formatByteSize(freeBytes)} free), log ${formatByteSize(walBytes)}, reserve ${formatByteSize(reserveBytes)}`;
  const lines = [path, `  agent ${agent}, epoch ${epoch}`, `  ${sizes}`];
  for (const { name, events, batches, bytes, deadBatches, lanes } of channels) {
    lines.push(
      `${name}: ${events} events in ${batches} batches, ${formatByteSize(bytes)}, ${deadBatches} dead batches`,
    );
    lines.push(...lanes.map(renderLane));
  }
  for (const [stream, counters] of Object.entries(streams)) {
    const counts = Object.entries(counters).map(([name, value]) => `${name} ${value}`);
    lines.push(`stream ${stream}: ${counts.join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}

function renderLane({ lane, progress, held }: LaneSummary): string {
  const numbers = Object.entries(progress)
    .filter(([, value]) => typeof value === "number" && value !== 0)
    .map(([name, value]) => `${name} ${String(value)}`);
  return `  ${lane.stream}.${lane.number} of ${lane.epoch} → ${lane.group}: held ${held}; ${numbers.join(", ")}`;
}
