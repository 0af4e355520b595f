/**
 * What is known of who made a batch. A name in it is the sender's own claim until it is `signed`; it is a name all the same
 * (shared/identity), so it may be shown.
 */
export type BatchSender =
  /** Nobody looked: signatures are off, or the batch names no agent. */
  | { readonly kind: "unchecked" }
  | { readonly kind: "unsigned"; readonly agent: string }
  /** Whoever holds this agent's key made it. */
  | { readonly kind: "signed"; readonly agent: string; readonly keyId: string }
  | { readonly kind: "wrong"; readonly agent: string; readonly reason: string };

/** The same object for all batches: nobody looked. */
export const unchecked: BatchSender = { kind: "unchecked" };

/** In a few words, for rows and people. */
export function senderText(sender: BatchSender): string {
  switch (sender.kind) {
    case "unchecked":
      return "signature not looked at";
    case "unsigned":
      return "unsigned";
    case "signed":
      return `signed with key ${sender.keyId}`;
    case "wrong":
      return `wrongly signed (${sender.reason})`;
  }
}
