/** A start reads a config, compiles schemas and runs once through a large part of the runtime; what follows is little. */
import { releaseProgramPages } from "../../shared/system/program-pages.ts";

/** Long enough for the first connections, which are the start's last work. */
const settledAfterMs = 2_000;

/** Gives back, once, what only the start needed: its garbage, and the pages of code it ran through. Returns how to call it off. */
export function slimAfterStart(): () => void {
  const timer = setTimeout(() => {
    Bun.gc(true);
    Bun.shrink();
    releaseProgramPages();
  }, settledAfterMs);
  return () => clearTimeout(timer);
}
