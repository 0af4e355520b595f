import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the file_roll sink can say. */
export const signals = {
  published: defineSignal({
    name: "file_published",
    level: "info",
    message: "A file is complete and has its final name",
  }),
  short: defineSignal({
    name: "file_short",
    level: "error",
    message: "A file is shorter than what was written and acknowledged: somebody else cut or removed it",
    counts: {
      metric: "tailgate_file_roll_cut_bytes_total",
      help: "Bytes of acknowledged lines that somebody else cut from files in progress.",
      by: "missing",
    },
  }),
  away: defineSignal({
    name: "file_folder_away",
    level: "error",
    message:
      "Files with acknowledged lines lie in a folder that is not in its place: another one is, or none (not mounted, or removed). They are gone on with when it is back",
    counts: {
      metric: "tailgate_file_roll_away_bytes_total",
      help: "Bytes of acknowledged lines in files in progress whose folder was not in its place any more.",
      by: "bytes",
    },
  }),
  unknown: defineSignal({
    name: "file_taken_as_it_is",
    level: "warn",
    message:
      "How far a file in progress is acknowledged is not known: it is published as it is, and its last lines may be there twice",
    counts: {
      metric: "tailgate_file_roll_files_taken_as_they_are_total",
      help: "Files in progress that were published although it was not known how far they are acknowledged.",
    },
  }),
  publishFailed: defineSignal({
    name: "file_publish_failed",
    level: "warn",
    message: "A complete file could not get its final name; it is tried again",
    atMostEveryMs: 60_000,
  }),
} as const;
