import type { z } from "@hono/zod-openapi";
import { signal } from "@preact/signals";
import type { Status } from "../../../api/status/schema.ts";
import { ask } from "../central/ask.ts";

/** Central's sums, as they were answered last. */
export const status = signal<z.infer<typeof Status> | undefined>(undefined);

const everyMs = 1_000;

/** Asks for as long as the page is open. */
export async function watchStatus(): Promise<void> {
  for (;;) {
    if (!document.hidden) {
      const answer = await ask<z.infer<typeof Status>>("/api/v1/status");
      if (answer.kind === "body") status.value = answer.body;
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
