import type { Intake } from "../core/source.ts";

/**
 * Waits until a chunk may be appended. False: the signal aborted, and there is no room.
 *
 * More than `ready` alone: of several connections that were let through at once, the first ones may have filled the room
 * that the next one was promised.
 */
export async function hasRoom(intake: Intake, signal: AbortSignal): Promise<boolean> {
  do await intake.ready(signal);
  while (!intake.takesNow() && !signal.aborted);
  return intake.takesNow();
}
