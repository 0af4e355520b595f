import { defineSignal } from "../../../shared/telemetry/log.ts";

export const frozenEnded = defineSignal({
  name: "store_session_ended",
  level: "warn",
  message: "Another instance held its locks for longer than any transaction may take; its session was ended",
});

export const notEnded = defineSignal({
  name: "store_session_not_ended",
  level: "warn",
  message: "Another instance holds its locks, and its session could not be ended",
  atMostEveryMs: 60_000,
});

export const closeFailed = defineSignal({
  name: "store_close_failed",
  level: "warn",
  message: "The connection to the store did not close cleanly",
});
