import type { Agent } from "./agent.ts";
import { flume } from "./flume.ts";
import { opentelemetry } from "./opentelemetry.ts";
import { rsyslog } from "./rsyslog.ts";

/** Every peer that the bench can run, in the order of the pages. */
export const peers: readonly Agent[] = [
  rsyslog("disk-assisted"),
  rsyslog("disk"),
  opentelemetry("not synced"),
  opentelemetry("synced"),
  flume,
];

/** What `--peers` takes. */
export const peerProducts: readonly string[] = [...new Set(peers.map((peer) => peer.product))];
