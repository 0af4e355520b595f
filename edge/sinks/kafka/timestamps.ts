/**
 * Time stamps on topics that keep the producer's time (CreateTime). There
 * - records older than the retention are deleted as soon as their segment rolls, so that the backlog of an outage could
 *   be gone before anybody read it;
 * - the broker counts the age of a producer from the time stamp of its last batch, not from its append
 *   (kafka.storage ProducerStateManager.isProducerExpired), so that the sender of an old batch is forgotten at the next
 *   check and a repeat of it would be stored twice;
 * - records more than an hour ahead of the broker's clock are refused.
 *
 * So the base and max timestamp in a batch's header are moved when it is sent; the event's own time stays in the identity
 * header. All of this rests on the wall clock: LogAppendTime, where the broker's own clock counts, does not.
 *
 * The move is a function of the header as it stands: once moved it is in order, so a repeat within the hour has the same
 * bytes. The broker recognises repeats by producer and sequence, never by content.
 */
const hourMs = 3_600_000;

/** Before this a wall clock has not been set yet: nothing is moved to such a time. 2024-01-01. */
export const plausibleMs = 1_704_067_200_000;

/** What is known of the topic and of the time. */
export interface TimestampRules {
  /** Undefined: not known, so it may be the producer's. */
  readonly logAppendTime: boolean | undefined;
  readonly retentionMs: number | undefined;
  readonly producerIdExpirationMs: number;
  /** Wall clock, corrected by what the broker's refusals told about it. */
  readonly nowMs: number;
}

/** Whether the time stamps are the producer's, and this machine does not know the time. */
export function clockIsUnset({ logAppendTime, nowMs }: TimestampRules): boolean {
  return logAppendTime !== true && nowMs < plausibleMs;
}

/** By how much to move a batch whose newest record has this time. */
export function timestampShift(maxTimestampMs: number, rules: TimestampRules): number {
  const { logAppendTime, retentionMs = -1, producerIdExpirationMs, nowMs } = rules;
  if (logAppendTime === true || clockIsUnset(rules)) return 0;
  const aheadMsMax = hourMs / 2;
  // A twentieth: within the tenth by which we take the broker's memory to be shorter than it is.
  const retainedMs = retentionMs < 0 ? Number.POSITIVE_INFINITY : retentionMs / 2;
  const lateMsMax = Math.min(hourMs, retainedMs, producerIdExpirationMs / 20);
  const lateMs = nowMs - maxTimestampMs;
  return lateMs > lateMsMax || -lateMs > aheadMsMax ? lateMs : 0;
}

/**
 * How far our wall clock is ahead of the broker's, found out by being refused: a batch stamped with now is refused, so
 * now is too late; the guess doubles until one is taken. Kept for the whole sink.
 */
export class ClockCorrection {
  private aheadMs = 0;
  /** The last guess that was refused: it was too small. */
  private refusedMs = 0;
  private isTold = true;

  /** The time by our wall clock, corrected. A clock that was set right meanwhile needs no correction any more. */
  nowMs(wallMs: number): number {
    if (wallMs - this.aheadMs < plausibleMs && wallMs >= plausibleMs) this.aheadMs = this.refusedMs = 0;
    return wallMs - this.aheadMs;
  }

  /**
   * A batch whose newest time stamp was moved to our idea of now was refused. The last guess is the earliest time that it
   * can be, which no broker's clock is before. False: that was refused too.
   */
  stepBack(wallMs: number): boolean {
    const last = wallMs - plausibleMs;
    if (this.aheadMs >= last) return false;
    this.refusedMs = this.aheadMs;
    this.isTold = false;
    this.aheadMs = Math.min(this.aheadMs === 0 ? hourMs : this.aheadMs * 2, last);
    return true;
  }

  /**
   * To be asked when a batch was taken: by how much our clock is ahead at least, once after each time that something was
   * found out; undefined: nothing was. How much more it is, up to twice as much, no refusal tells.
   */
  found(): { readonly aheadMsMin: number | undefined } | undefined {
    if (this.isTold) return undefined;
    this.isTold = true;
    return { aheadMsMin: this.refusedMs === 0 ? undefined : this.refusedMs };
  }
}
