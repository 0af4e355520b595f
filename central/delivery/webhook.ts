/**
 * Alerts by HTTP: one POST a change, taken when the answer is 2xx. At least once: the header `Idempotency-Key` is the alert's id,
 * and for what became of it later the id with what and when, so that a receiver knows a repeat.
 */
import { messageOf } from "../../shared/errors/app-error.ts";
import type { AlertDelivery } from "../store/rules-port.ts";
import type { AlertSink, SendResult } from "./sink.ts";

/** Where to, and with what credentials. */
export interface WebhookOptions {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly timeoutMs?: number;
}

/** The other side says that it will never take this one. Anything else is tried again before others are. */
const refusals: ReadonlySet<number> = new Set([400, 405, 409, 410, 411, 413, 414, 415, 422]);

export class Webhook implements AlertSink {
  readonly target = "webhook";

  constructor(private readonly options: WebhookOptions) {}

  async send(deliveries: readonly AlertDelivery[], signal: AbortSignal): Promise<SendResult> {
    const delivered: number[] = [];
    const refused: number[] = [];
    let error: string | undefined;
    for (const delivery of deliveries) {
      const answer = await this.post(delivery, signal);
      if (answer.kind === "taken") {
        delivered.push(delivery.id);
        continue;
      }
      error = answer.error;
      if (answer.kind === "away") return { delivered, refused, error, retryAfterMs: answer.retryAfterMs };
      refused.push(delivery.id);
    }
    return { delivered, refused, error };
  }

  async stop(): Promise<void> {}

  private async post({ key, body }: AlertDelivery, signal: AbortSignal): Promise<Answer> {
    const { url, authorization, timeoutMs = 10_000 } = this.options;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": key,
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        body,
        // An address that is not in the config is sent nothing.
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      if (response.ok) return { kind: "taken" };
      const error = `it answered ${response.status}`;
      if (refusals.has(response.status)) return { kind: "refused", error };
      return { kind: "away", error, retryAfterMs: secondsOf(response.headers.get("Retry-After")) };
    } catch (thrown) {
      return { kind: "away", error: messageOf(thrown), retryAfterMs: undefined };
    }
  }
}

type Answer =
  | { readonly kind: "taken" }
  | { readonly kind: "refused"; readonly error: string }
  | { readonly kind: "away"; readonly error: string; readonly retryAfterMs: number | undefined };

function secondsOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) * 1_000 : undefined;
}
