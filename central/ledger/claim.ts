import { type Identity, parseIdentity } from "../../shared/identity/identity.ts";
import { bounds } from "./limits.ts";

/**
 * What an identity header claims. The place to bind a claim to what the sender cannot choose (a rule from topic to
 * agent, a signature of the batch) is here: before anything of it is looked up, counted or stored.
 */
export type Claim =
  | { readonly kind: "identity"; readonly identity: Identity }
  /** Not a header of ours: a record of another producer. */
  | { readonly kind: "foreign" }
  /** It claims what no edge says. The reason never holds the sender's own words. */
  | { readonly kind: "refused"; readonly reason: string };

const foreign: Claim = { kind: "foreign" };

const refused = (reason: string): Claim => ({ kind: "refused", reason });

/** Made once: a flood of refused records makes no text. */
const refusedFor = {
  length: refused(`an identity of more than ${bounds.identityBytes} bytes`),
  name: refused(`a name of more than ${bounds.nameBytes} bytes`),
  lane: refused(`a lane beyond ${bounds.lane}`),
  seq: refused(`a number beyond ${bounds.seq}`),
  jump: refused(`a marker for more than ${bounds.jump} records`),
  time: refused("a time beyond the years 1 to 9999"),
};

/** Reads a header's text within the bounds. */
export function readClaim(text: string): Claim {
  if (text.length > bounds.identityBytes) return refusedFor.length;
  const identity = parseIdentity(text);
  if (identity === undefined) return foreign;
  const { agent, epoch, stream, lane, first, last, kind, eventTimeMs } = identity;
  if (Math.max(agent.length, epoch.length, stream.length) > bounds.nameBytes) {
    return refusedFor.name;
  }
  if (lane > bounds.lane) return refusedFor.lane;
  if (last > bounds.seq) return refusedFor.seq;
  if (kind === "shed" && last - first >= bounds.jump) return refusedFor.jump;
  if (!timeIsSane(eventTimeMs)) return refusedFor.time;
  return { kind: "identity", identity };
}

/** Whether a calendar of four digits has this time. */
export function timeIsSane(timeMs: number): boolean {
  return timeMs >= bounds.timeMsMin && timeMs <= bounds.timeMsMax;
}
