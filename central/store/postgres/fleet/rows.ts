/** What the fleet's rows hold as JSON, which this program wrote. */
import type { LaneBeat, Loss, MissedRange, Presence } from "../../../fleet/presence.ts";
import { bytes, textOf } from "../values.ts";

/** As it is stored. */
export function json(value: Presence | readonly (LaneBeat | Loss | MissedRange)[]): Buffer {
  return bytes(JSON.stringify(value));
}

/** Of `agent.presence`. */
export function presenceOf(stored: Buffer): Presence {
  const { freeDiskBytes, ...presence }: Presence = JSON.parse(textOf(stored));
  return { ...presence, freeDiskBytes };
}

/** Of `agent.lanes`. */
export function laneBeatsOf(stored: Buffer): readonly LaneBeat[] {
  const beats: readonly LaneBeat[] = JSON.parse(textOf(stored));
  return beats.map(({ unsentMs, ...beat }) => ({ ...beat, unsentMs }));
}

/** Of `outage.missed`. */
export function missedOf(stored: Buffer): readonly MissedRange[] {
  return JSON.parse(textOf(stored));
}

/** Of `outage.losses`. */
export function lossesOf(stored: Buffer): readonly Loss[] {
  return JSON.parse(textOf(stored));
}
