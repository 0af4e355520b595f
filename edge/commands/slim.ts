/** A start reads a config, compiles schemas and runs once through a large part of the runtime; what follows is little. */
import { releaseProgramPages } from "../../shared/system/program-pages.ts";

/**
 * It is given back at once, so that a file that is there already comes on top of little (with a filter and a key: peak RSS
 * 122 → 110 MB). Then twice more: when the channel is open and a link that is near stands, before a backlog's garbage comes;
 * and when far links stand and the first lines have been carried.
 */
const settledAfterMs = [300, 30_000] as const;

/** Gives back what only the start needed: its garbage, and the pages of code it ran through. Returns how to call it off. */
export function slimAfterStart(): () => void {
  slim();
  const timers = settledAfterMs.map((ms) => setTimeout(slim, ms));
  return () => timers.forEach(clearTimeout);
}

function slim(): void {
  Bun.gc(true);
  Bun.shrink();
  releaseProgramPages();
}
