/** How a replay stands, as a line for a terminal. */
import type { z } from "zod";
import type { Replay } from "../api/replays/schema.ts";

/** As central says it. */
export type ReplayBody = z.infer<typeof Replay>;

const whole = new Intl.NumberFormat("en");
const barWidth = 20;

/** `#3 running [######              ] 30.0 % · 300 of 1,000 offsets · 100/s · 7 s to go`. */
export function progressLine({ id, state, progress, trouble }: ReplayBody): string {
  const { done, total, fraction, recordsPerSecond, etaMs, resolved } = progress;
  // Not 100 % while something is missing.
  const percent = Math.floor(fraction * 1_000) / 10;
  const filled = Math.floor(fraction * barWidth);
  const bar = `[${"#".repeat(filled)}${" ".repeat(barWidth - filled)}]`;
  const parts = [
    `#${id} ${state} ${bar} ${percent.toFixed(1)} %`,
    resolved ? `${whole.format(done)} of ${whole.format(total)} offsets` : "asking Kafka for its range",
    ...(recordsPerSecond > 0 ? [`${whole.format(Math.round(recordsPerSecond))}/s`] : []),
    ...(etaMs === undefined ? [] : [`${durationWords(etaMs)} to go`]),
    ...(trouble === undefined ? [] : [trouble]),
  ];
  return parts.join(" · ");
}

/** What a replay that is over has come to, in lines. */
export function outcomeLines({ counts, gone, notes, error }: ReplayBody): readonly string[] {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return [
    some.map(([name, count]) => `${name} ${whole.format(count)}`).join(", ") || "Nothing was read.",
    ...notes,
    ...gone.map(
      ({ topic, partition, firstOffset, lastOffset, certain }) =>
        `No longer in Kafka: ${topic}/${partition}, offsets ${firstOffset} to ${lastOffset}${certain ? "" : ", as far as anybody can know"}`,
    ),
    ...(error === undefined ? [] : [error]),
  ];
}

/** In the two largest units. */
export function durationWords(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}
