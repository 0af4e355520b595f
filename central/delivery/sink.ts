import type { AlertDelivery, DeliveryTarget } from "../store/rules-port.ts";

/** What became of a few deliveries. What is in neither list was not tried, or nobody knows: it is sent again. */
export interface SendResult {
  readonly delivered: readonly number[];
  /** The other side does not want these; others may go on. */
  readonly refused: readonly number[];
  /** What went wrong, in words; undefined: nothing. */
  readonly error: string | undefined;
  /** How long the other side asked us to wait. */
  readonly retryAfterMs?: number | undefined;
}

/** Where changes of alerts are sent to. */
export interface AlertSink {
  readonly target: DeliveryTarget;
  /** One after the other, in this order. Never rejects for what a later try may cure. */
  send(deliveries: readonly AlertDelivery[], signal: AbortSignal): Promise<SendResult>;
  stop(): Promise<void>;
}
