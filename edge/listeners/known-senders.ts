import type { z } from "zod";
import { isLocal, type ListenAddress } from "../../shared/config/listen-address.ts";

/** What a source says of itself whose senders speak for agents. */
interface Exposed {
  readonly address: ListenAddress;
  readonly tokens?: readonly string[] | undefined;
  readonly tls?: { readonly clientCa?: string | undefined } | undefined;
}

/**
 * Of a source that takes events under the names of other agents: where others than this machine reach it, its senders have to be known.
 * Whoever speaks for another agent can make its events look like repeats, and forge its books.
 */
export function refuseStrangers({ address, tokens, tls }: Exposed, context: z.core.$RefinementCtx<unknown>): void {
  if (isLocal(address) || tokens !== undefined || tls?.clientCa !== undefined) return;
  context.addIssue({
    code: "custom",
    path: ["address"],
    message:
      "others reach it, and whoever does could speak for any agent: give `tokens`, or `tls` with `clientCa`; 127.0.0.1 keeps it here",
  });
}
