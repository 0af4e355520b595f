import RequestQueue from "kafkajs/src/network/requestQueue";
import { steadyNowMs } from "./steady-clock.ts";

/** How long a request may wait beyond its throttle before the queue looks again. */
const checkMsMin = 10;

/**
 * Ends kafkajs's idle busy loop. Its request queue re-arms a timer after every look, also with nothing pending and with
 * a delay that is negative unless the broker throttles: some 800 wake-ups a second on every connection. The queue is
 * looked at by itself whenever a request ends, so a timer is only needed while something waits for a throttle to pass.
 *
 * Idempotent; changes the class for the whole process.
 */
export function quietTimers(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleWhenPending;
}

function scheduleWhenPending(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const delayMs = Math.max(checkMsMin, this.throttledUntil - steadyNowMs());
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null;
    this.checkPendingRequests();
  }, delayMs);
}
