import { defineSignal } from "../../shared/telemetry/log.ts";

/** Of both ways in which datagrams are lost: the label `where` tells them apart. */
export const datagramsLostCounter = {
  metric: "tailgate_datagrams_lost_total",
  help: "Datagrams that were dropped: by the agent because the channel had no room, or by the kernel because the agent did not read in time.",
};

/** What listeners say. */
export const signals = {
  listening: defineSignal({ name: "listener_open", level: "info", message: "Listening" }),
  closed: defineSignal({ name: "listener_closed", level: "info", message: "No longer listening" }),
  exposed: defineSignal({
    name: "listener_exposed",
    level: "warn",
    message: "Other machines can reach this address, and nothing is asked of them: anybody can write events",
  }),
  atCap: defineSignal({
    name: "listener_full",
    level: "warn",
    message: "As many connections are open as may be; more are refused",
  }),
  belowCap: defineSignal({
    name: "listener_has_room",
    level: "info",
    message: "Connections are accepted again",
  }),
  tlsFailed: defineSignal({
    name: "listener_tls_failed",
    level: "warn",
    message: "A client and this listener did not agree on TLS; its connection is closed",
    atMostEveryMs: 10_000,
  }),
  failed: defineSignal({
    name: "connection_failed",
    level: "warn",
    message: "A connection is closed: what came over it cannot be taken",
    atMostEveryMs: 10_000,
  }),
  tooMuch: defineSignal({
    name: "listener_memory_full",
    level: "warn",
    message: "Unfinished messages fill the memory of this listener; the connection that holds most is closed",
    atMostEveryMs: 10_000,
  }),
  datagramsLost: defineSignal({
    name: "datagrams_lost",
    level: "warn",
    message: "Datagrams were thrown away: the channel had no room for them",
    atMostEveryMs: 10_000,
    counts: { ...datagramsLostCounter, labels: { where: "queue" } },
  }),
  datagramsLostByKernel: defineSignal({
    name: "datagrams_lost_by_kernel",
    level: "warn",
    message: "The kernel threw datagrams away: nobody read them in time",
    atMostEveryMs: 10_000,
    counts: {
      ...datagramsLostCounter,
      labels: { where: "kernel" },
      book: "datagrams_lost_by_kernel",
      by: "datagrams",
    },
  }),
  leftOpen: defineSignal({
    name: "connections_cut",
    level: "warn",
    message: "Connections that did not end in time at a stop are cut off",
  }),
} as const;

/** Why a connection was refused or cut off. */
export type ConnectionRefusal = "cap" | "tls" | "idle" | "slow" | "memory" | "protocol";
