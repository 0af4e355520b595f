import { defineSignal } from "../../../shared/telemetry/log.ts";

/** What the tail source says. */
export const signals = {
  fileFound: defineSignal({
    name: "tail_file_found",
    level: "info",
    message: "A file is followed",
  }),
  fileResumed: defineSignal({
    name: "tail_file_resumed",
    level: "info",
    message: "A file is followed again, from its stored position",
  }),
  fileFinished: defineSignal({
    name: "tail_file_finished",
    level: "debug",
    message: "A file that is gone was read to its end",
  }),
  rotatedFound: defineSignal({
    name: "tail_rotated_found",
    level: "info",
    message: "A rotated file holds lines that were not read yet; it is read first",
  }),
  truncated: defineSignal({
    name: "tail_truncated",
    level: "info",
    message: "A file was truncated, or written anew in its place; it is read from its beginning",
  }),
  overwritten: defineSignal({
    name: "tail_overwritten",
    level: "info",
    message: "A file was overwritten with a copy of what is read from another; it is not read",
  }),
  copyFound: defineSignal({
    name: "tail_copy_found",
    level: "info",
    message: "The copy of a truncated or removed file was found; reading goes on there",
  }),
  utf16: defineSignal({
    name: "tail_utf16_as_bytes",
    level: "warn",
    message: "A file begins with a byte order mark of UTF-16 and is read as bytes; `encoding: auto` reads it as text",
  }),
  takenOver: defineSignal({
    name: "tail_taken_over",
    level: "info",
    message: "Files go on where Flume stopped",
  }),
  notTakenOver: defineSignal({
    name: "tail_not_taken_over",
    level: "warn",
    message: "A position of Flume's could not be taken over; what it names is read as a new file is",
  }),
  lost: defineSignal({
    name: "tail_lost_at_source",
    level: "warn",
    message: "Bytes were removed before they could be read",
    counts: { book: "lost_at_source", by: "bytes" },
  }),
  rotationsUnseen: defineSignal({
    name: "tail_rotations_unseen",
    level: "warn",
    message: "A log was rotated more often between two looks than can be followed; files may have been removed unread",
    atMostEveryMs: 60_000,
    counts: { book: "rotations_unseen" },
  }),
  compressed: defineSignal({
    name: "tail_compressed_skipped",
    level: "warn",
    message: "A compressed file may hold unread lines; compressed files are not read",
    counts: { book: "compressed_skipped" },
  }),
  leftOut: defineSignal({
    name: "tail_left_out",
    level: "warn",
    message: "This is not read; it is tried again, and the others go on",
  }),
  noDescriptor: defineSignal({
    name: "tail_no_descriptor",
    level: "warn",
    message: "Nothing more can be opened: what is to be read waits until it can; raise the limit of open files",
    atMostEveryMs: 60_000,
  }),
  sameFile: defineSignal({
    name: "tail_same_file",
    level: "info",
    message: "Two names lead to one file; its lines are read once, under the first name",
  }),
  movedHere: defineSignal({
    name: "tail_moved_here",
    level: "info",
    message: "A file came from another folder that is followed; reading goes on",
  }),
  unwatched: defineSignal({
    name: "tail_directory_unwatched",
    level: "info",
    message: "A directory cannot be watched; it is polled",
    atMostEveryMs: 60_000,
  }),
  unnamed: defineSignal({
    name: "tail_files_unnamed",
    level: "info",
    message: "No pattern names these files any more: they are not read; their positions are kept for one that does",
  }),
  positionUnknown: defineSignal({
    name: "tail_position_unknown",
    level: "warn",
    message: "A stored position cannot be understood; it is left as it is",
  }),
} as const;
