import { z } from "zod";

/** The mark under which the config's check finds the channels that a selector names, and the sinks that a group names. */
export const REFERS_TO = "refersTo";

/** A config field that names a channel; the check refuses names that are none of the source's channels. */
export function channelName() {
  return z.string({ error: "not the name of a channel: write a text" }).meta({ [REFERS_TO]: "channel" });
}

/** A config field of a group that names a sink, one of its members. */
export function sinkName() {
  return z.string({ error: "not the name of a sink: write a text" }).meta({ [REFERS_TO]: "sink" });
}
