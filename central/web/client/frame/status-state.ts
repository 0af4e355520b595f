import type { z } from "@hono/zod-openapi";
import { signal } from "@preact/signals";
import type { Status } from "../../../api/status/schema.ts";
import { ask } from "../central/ask.ts";

/** Central's sums, as they were answered last. */
export const status = signal<z.infer<typeof Status> | undefined>(undefined);

/**
 * When that was, by the clock that cannot be set; undefined before the first. Answers to other questions do not count: the lights
 * and the sums are of this one.
 */
export const answeredMs = signal<number | undefined>(undefined);

const everyMs = 1_000;

/** Asks for as long as the page is open. */
export async function watchStatus(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      const answer = await ask<z.infer<typeof Status>>("/api/v1/status");
      if (answer.kind === "body") {
        status.value = answer.body;
        answeredMs.value = answer.atMs;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
