import { systemClock } from "../../clock/clock.ts";

const startMs = systemClock.now() - performance.now();

/**
 * Gives kafkajs a clock that nobody can set. It measures all its times with `Date.now()`: when a heartbeat is due, when a
 * request has waited too long, when metadata is old. A wall clock that is set back an hour stops its heartbeats for that
 * hour, and the group throws the member out; one that is set ahead ends every request in flight.
 *
 * Idempotent; changes `Date.now` for the whole thread: from then on it goes on steadily from what it was. Our own code
 * reads the time from a `Clock`, which kept the true one before anybody could change it; `new Date()` is untouched.
 */
export function steadyClock(): void {
  Date.now = steadyNowMs;
}

/** What kafkajs takes for the time: right when this module was loaded, and steady from then on. */
export function steadyNowMs(): number {
  return Math.floor(startMs + performance.now());
}
