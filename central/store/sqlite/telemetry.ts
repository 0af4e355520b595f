import { defineSignal } from "../../../shared/telemetry/log.ts";

export const folded = defineSignal({
  name: "recent_folded",
  level: "debug",
  message: "Folded recent events into chunks",
});

export const foldDelayed = defineSignal({
  name: "recent_fold_delayed",
  level: "warn",
  message: "Could not fold recent events into chunks; they stay as rows and are folded later",
  atMostEveryMs: 60_000,
});

export const closeFailed = defineSignal({
  name: "store_close_failed",
  level: "warn",
  message: "The store did not close cleanly; the next start recovers it from its write-ahead log",
});

export const logLeft = defineSignal({
  name: "store_log_left",
  level: "warn",
  message:
    "A reader holds the store's write-ahead log: a copy of the file alone is not the whole store until the next clean stop",
});

export const logTakenAway = defineSignal({
  name: "store_log_taken_away",
  level: "error",
  message:
    "The store's write-ahead log was taken away under us: what stood in it was moved into the file, and nothing is lost",
});

export const modeTightened = defineSignal({
  name: "store_mode_repaired",
  level: "warn",
  message: "Everybody on this machine could read the store; only its owner and group can now",
});

export const modeNotTightened = defineSignal({
  name: "store_mode_open",
  level: "warn",
  message: "Everybody on this machine can read the store, and its mode cannot be changed",
});
