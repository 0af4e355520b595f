import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the spooldir source says. */
export const signals = {
  fileStarted: defineSignal({ name: "spool_file_started", level: "debug", message: "A spool file is read" }),
  fileDone: defineSignal({
    name: "spool_file_done",
    level: "info",
    message: "All lines of a spool file are durable",
    counts: { book: "files_done" },
  }),
  fileChanged: defineSignal({
    name: "spool_file_changed",
    level: "error",
    message: "A spool file changed under us; it is put aside and the others go on",
    counts: { book: "spool_file_changed" },
  }),
  fileDamaged: defineSignal({
    name: "spool_file_damaged",
    level: "error",
    message: "A compressed spool file cannot be read to its end; it is put aside and the others go on",
    counts: { book: "spool_file_damaged" },
  }),
  takenOver: defineSignal({ name: "spool_taken_over", level: "info", message: "Files go on where Flume stopped" }),
  notTakenOver: defineSignal({
    name: "spool_not_taken_over",
    level: "warn",
    message: "What Flume remembers of a file could not be taken over; the file is read as a new one is",
  }),
  fileVanished: defineSignal({
    name: "spool_file_vanished",
    level: "error",
    message: "A spool file was removed before it was read to its end",
    counts: { book: "lost_at_source", by: "bytes" },
  }),
  folderElsewhere: defineSignal({
    name: "spool_folder_elsewhere",
    level: "warn",
    message:
      "Another folder stands in the place of the one that files were found in (is its disk mounted?); what is known of them is kept until it is back",
  }),
  elsewhereForgotten: defineSignal({
    name: "spool_elsewhere_forgotten",
    level: "warn",
    message:
      "Too many files are known whose folders are not in their place: the first of them are read again if they come back",
  }),
  leftOut: defineSignal({
    name: "spool_left_out",
    level: "warn",
    message: "This is not read; it is tried again, and the others go on",
  }),
  writtenLate: defineSignal({
    name: "spool_file_written_late",
    level: "error",
    message:
      "A spool file was written after it was done: what came late is not read, and more may come. Rename files in when they are complete, or raise settle",
    counts: { book: "lost_at_source", by: "bytes" },
  }),
  positionUnknown: defineSignal({
    name: "spool_position_unknown",
    level: "warn",
    message: "A stored position cannot be understood; it is left as it is",
  }),
} as const;
