/**
 * Lets time pass where time itself is the fault: how long a process lives before it is killed, how long an outage
 * lasts. Never a way to wait for something to have happened: that is `until`.
 */
export function pause(ms: number): Promise<void> {
  return Bun.sleep(ms);
}
