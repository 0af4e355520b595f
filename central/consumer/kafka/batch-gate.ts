import { findSignature } from "../../../shared/kafka/record-batch/signature.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";

/** Agents of which nothing is read at present, and why. */
export type TurnedAway = ReadonlyMap<string, string>;

/**
 * Batches that are put aside unread, by their signature alone: no record of them is decompressed or looked at, however
 * many there are. Only what an agent has proved to be its own is held against it.
 */
export class BatchGate {
  constructor(
    private readonly keys: () => KeyList,
    private readonly turnedAway: () => TurnedAway,
  ) {}

  /** Undefined: it is read. */
  refusal(batch: Buffer): string | undefined {
    const turnedAway = this.turnedAway();
    if (turnedAway.size === 0) return undefined;
    const found = findSignature(batch);
    if (found === undefined) return undefined;
    for (const [agent, reason] of turnedAway) {
      const key = this.keys().get(agent)?.get(found.keyId);
      if (key !== undefined && found.verifiedBy(key.key)) return reason;
    }
    return undefined;
  }
}
