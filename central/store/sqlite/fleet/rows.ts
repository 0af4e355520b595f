/** Rows of the fleet's tables, and what they mean. */
import { z } from "zod";
import type { LaneBeat, Loss, MissedRange, Presence } from "../../../fleet/presence.ts";

/** As `agentColumns` gives it. */
export interface AgentTableRow extends Omit<Presence, "freeDiskBytes" | "stopping" | "losses"> {
  readonly freeDiskBytes: number | null;
  readonly stopping: number;
  readonly losses: string;
}

/** Of `agent`. */
export const agentColumns = `agent, heard_at as heardMs, run, n, every_ms as everyMs, started_at as startedMs,
  clock_offset as clockOffsetMs, version, config, backlog_events as backlogEvents, backlog_bytes as backlogBytes,
  free_disk as freeDiskBytes, stopping, last_outage as lastOutage, losses`;

/** As `laneBeatColumns` gives it. */
export interface LaneBeatRow extends Omit<LaneBeat, "unsentMs" | "hours"> {
  readonly unsentMs: number | null;
  readonly hours: string;
}

/** Of `lane_beat`. */
export const laneBeatColumns = `stream, epoch, lane, destination as "to", assigned, unsent_from as unsentFrom, held,
  unsent_at as unsentMs, hours, heard_at as heardMs, sent_at as sentMs`;

const Losses = z.array(z.object({ stream: z.string(), name: z.string(), amount: z.number() }));
const Missed = z.array(
  z.object({ stream: z.string(), epoch: z.string(), lane: z.number(), first: z.number(), last: z.number() }),
);
const LaneHours = z.array(z.tuple([z.number(), z.number()]));

/** From its row. */
export function presenceOf({ freeDiskBytes, stopping, losses, ...row }: AgentTableRow): Presence {
  return { ...row, freeDiskBytes: freeDiskBytes ?? undefined, stopping: stopping === 1, losses: lossesOf(losses) };
}

/** From its row. */
export function laneBeatOf({ unsentMs, hours, ...row }: LaneBeatRow): LaneBeat {
  const told = hours === "[]" ? [] : LaneHours.parse(JSON.parse(hours));
  return { ...row, unsentMs: unsentMs ?? undefined, hours: told };
}

/** From a row's text, which this program wrote. */
export function lossesOf(text: string): readonly Loss[] {
  return text === "[]" ? [] : Losses.parse(JSON.parse(text));
}

/** From a row's text, which this program wrote. */
export function missedOf(text: string): readonly MissedRange[] {
  return Missed.parse(JSON.parse(text));
}
