/**
 * The end of a stop that does not end: a timer for everything that waits, and for a thread that hangs in a call (a disk
 * that does not answer) the kernel's own alarm, whose default is to end the process.
 */
import { openLibc } from "../../shared/system/libc.ts";

/** Beside the deadline itself: closing the file, writing the last lines of the log. */
const graceMs = 1_000;
const alarmGraceMs = 3_000;

/** Calls `late` when the process still runs after the deadline; ends it with SIGALRM when it cannot even do that. */
export function endAfter(deadlineMs: number, late: () => void): void {
  setTimeout(late, deadlineMs + graceMs).unref();
  try {
    const { symbols } = openLibc({ alarm: { args: ["u32"], returns: "u32" } });
    symbols.alarm(Math.ceil((deadlineMs + alarmGraceMs) / 1_000));
  } catch {
    // Without libc there is the timer, and the service manager's own deadline.
  }
}
