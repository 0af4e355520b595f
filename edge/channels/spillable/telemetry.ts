import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What a spillable channel can say. */
export const signals = {
  began: defineSignal({
    name: "channel_spills",
    level: "warn",
    message: "Memory is full: the oldest batches go to the disk",
    atMostEveryMs: 60_000,
  }),
  failed: defineSignal({
    name: "channel_spill_failed",
    level: "error",
    message: "What finds no room in memory could not be written to the disk; sources wait and it is tried again",
    atMostEveryMs: 10_000,
  }),
  left: defineSignal({
    name: "channel_memory_lost",
    level: "error",
    message:
      "What memory holds could not be written to the disk at the stop: files are read again, what was pushed is lost",
  }),
};
