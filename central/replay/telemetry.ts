import { defineSignal } from "../../shared/telemetry/log.ts";

export const replayBegun = defineSignal({ name: "replay_begun", level: "info", message: "A replay reads its range" });

export const replayEnded = defineSignal({ name: "replay_ended", level: "info", message: "A replay has ended" });

export const replayFailed = defineSignal({ name: "replay_failed", level: "error", message: "A replay cannot go on" });

export const replayWaits = defineSignal({
  name: "replay_waits",
  level: "warn",
  message: "A replay waits, and goes on by itself",
  atMostEveryMs: 10_000,
});

export const replayRecordsGone = defineSignal({
  name: "replay_records_gone",
  level: "warn",
  message: "Kafka holds no longer what a replay asks for",
});

export const erasureEnded = defineSignal({
  name: "vehicle_erased",
  level: "warn",
  message: "An erased vehicle is out of the store",
});

export const redriveBegun = defineSignal({
  name: "redrive_begun",
  level: "info",
  message: "Dead letters are tried again",
});

export const redriveEnded = defineSignal({ name: "redrive_ended", level: "info", message: "A redrive has ended" });
