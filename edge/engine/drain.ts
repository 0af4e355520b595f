import { sleep } from "../../shared/async/sleep.ts";
import type { Channel } from "../core/channel.ts";
import type { LaneRun } from "./sink-runner.ts";

const lookEveryMs = 20;

/** Events that these channels hold. */
export function heldIn(channels: Iterable<Channel>): number {
  let held = 0;
  for (const channel of channels) held += channel.stat().events;
  return held;
}

/**
 * Waits until the channels are empty, until `performance.now()` passes `untilMs`, or until every lane that has something
 * waits for a destination that is away: what is held is safe, and nobody knows when it will be back.
 */
export async function drain(
  channels: readonly Channel[],
  lanes: () => readonly LaneRun[],
  untilMs: number,
): Promise<void> {
  const never = new AbortController();
  while (performance.now() < untilMs && heldIn(channels) > 0) {
    const states = lanes().map(({ state }) => state.kind);
    if (!states.includes("sending") && (states.includes("retrying") || states.includes("failed"))) return;
    await sleep(lookEveryMs, never.signal);
  }
}
