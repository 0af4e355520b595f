import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the channel file can say. */
export const signals = {
  created: defineSignal({ name: "channel_created", level: "info", message: "A new channel file was made" }),
  gone: defineSignal({
    name: "channel_gone",
    level: "warn",
    message:
      "The agent was started here before, and its channel file is gone or empty: a new one was made. What it held is lost, and positions are not known",
  }),
  epochRenewed: defineSignal({
    name: "channel_epoch_renewed",
    level: "warn",
    message: "New events get a new epoch; lanes of the old one are only drained",
  }),
  tightened: defineSignal({
    name: "channel_mode_repaired",
    level: "info",
    message: "Others could read this; now only the agent's user can",
  }),
  notTightened: defineSignal({
    name: "channel_mode_open",
    level: "warn",
    message: "Others can read this, and it cannot be changed",
  }),
  diskFull: defineSignal({
    name: "channel_disk_full",
    level: "error",
    message: "The disk is full: the reserve was freed so that deliveries can still be marked and deleted",
    atMostEveryMs: 60_000,
  }),
  reserveRestored: defineSignal({
    name: "channel_reserve_restored",
    level: "info",
    message: "The disk has room again; the reserve is whole",
  }),
  reserveFailed: defineSignal({
    name: "channel_reserve_failed",
    level: "warn",
    message: "Could not write the reserve",
    atMostEveryMs: 60_000,
  }),
  shed: defineSignal({
    name: "channel_shed",
    level: "warn",
    message: "Policy dropped events that had not been sent",
    atMostEveryMs: 10_000,
  }),
  deadDropped: defineSignal({
    name: "channel_dead_dropped",
    level: "error",
    message:
      "The dead letters are full: the oldest are gone for good; read them with `tailgate channel export --dead` before more go",
    atMostEveryMs: 60_000,
  }),
  damaged: defineSignal({
    name: "channel_batch_damaged",
    level: "error",
    message: "A stored batch cannot be read; it is put aside and a marker goes in its place",
    atMostEveryMs: 10_000,
  }),
  commitUnknown: defineSignal({
    name: "channel_commit_unknown",
    level: "warn",
    message: "The disk left open whether a commit was stored; the file is opened again to find out",
    atMostEveryMs: 10_000,
  }),
  rebuilt: defineSignal({
    name: "channel_rebuilt",
    level: "error",
    message: "The channel file was damaged; it was renamed and what could be read was copied to a new one",
  }),
  checkpointHeld: defineSignal({
    name: "channel_checkpoint_held",
    level: "warn",
    message: "The write-ahead log is long because something reads the file for a long time",
    atMostEveryMs: 60_000,
  }),
  checkpointFailed: defineSignal({
    name: "channel_checkpoint_failed",
    level: "warn",
    message: "The write-ahead log could not be copied into the file; it is safe where it is, and tried again",
    atMostEveryMs: 60_000,
  }),
  compacted: defineSignal({
    name: "channel_compacted",
    level: "info",
    message: "The channel file was made small again",
  }),
  compactFailed: defineSignal({
    name: "channel_compact_failed",
    level: "warn",
    message: "The channel file could not be made small; its pages are used again all the same",
    atMostEveryMs: 3_600_000,
  }),
};
