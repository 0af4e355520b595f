import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { pattern } from "../../../shared/config/pattern/pattern.ts";
import { fileFields } from "../../core/file-fields.ts";
import { lineFields } from "../../core/line-fields.ts";

import { mistakeOf } from "./glob.ts";

const Multiline = z
  .strictObject({
    start: pattern()
      .optional()
      .meta({ description: "A line that matches begins a new event; all others continue the one before." }),
    continuation: pattern().optional().meta({
      description: "A line that matches continues the event before; all others begin a new one.",
    }),
    flushAfter: duration({ min: 10 })
      .prefault("1s")
      .meta({ description: "An event to which nothing was added for this long is complete." }),
  })
  .refine((written) => (written.start === undefined) !== (written.continuation === undefined), {
    message: "name either start or continuation",
  });

/** Config of the tail source. */
export const configSchema = () =>
  z
    .strictObject({
      paths: z
        .union([path(), z.array(path()).min(1)])
        .transform((written) => (typeof written === "string" ? [written] : written))
        .superRefine((paths, context) => {
          for (const [index, written] of paths.entries()) {
            const message = mistakeOf(written);
            if (message !== undefined) context.addIssue({ code: "custom", message, path: [index] });
          }
        })
        .meta({
          description:
            "Files to follow: paths or glob patterns. Rotated names need not be matched; they are found. `*` is any characters but a slash, also at a name's dot; `?` one character; `[ab]` and `[a-c]` one of these, `[!a]` one that is not; `{a,b/c}` either; `**` as a whole part any number of folders, also none; `\\x` the character itself; `regex:x` in the place of a name: names that the regular expression matches as a whole.",
        }),
      exclude: z.array(z.string().min(1)).default([]).meta({
        description: "Glob patterns of file names (or of whole paths, with a slash) that are not read, rotated or not.",
      }),
      start: z.enum(["beginning", "end"]).default("beginning").meta({
        description: "Where to begin in files that exist when their pattern is looked at for the first time ever.",
      }),
      ignoreOlderThan: duration().optional().meta({
        description: "Files not written for this long when first seen are not read; lines added to them later are.",
      }),
      positionsFrom: path().optional().meta({
        description:
          "A taildir_position.json of Flume's: files that it names go on where Flume stopped. Read once, while nothing of this source is stored.",
      }),
      pollInterval: duration({ min: 10 }).prefault("2s").meta({
        description:
          "How often all files are looked at, whatever the watch says: a watch is quick but may miss something.",
      }),
      readInterval: duration({ min: 1, max: 1_000 }).optional().meta({
        description:
          "A file that is written all the time is read this often, instead of at each write; unset: once a linger, between 5ms and 200ms.",
      }),
      idleClose: duration({ min: 100 }).prefault("5m").meta({
        description: "A file that was read to its end and is not written for this long is closed until it is.",
      }),
      openFilesMax: z.int().min(1).default(512).meta({
        description: "Files held open at once; beyond it those that were read to their end are closed first.",
      }),
      ...fileFields,
      rotateWait: duration({ min: 10 }).prefault("5s").meta({
        description: "A rotated or deleted file that was quiet for this long is complete: its half line is a line.",
      }),
      partialLineAfter: duration({ min: 10 }).optional().meta({
        description: "A half line that waited this long is forwarded as it is; unset: it waits for its line end.",
      }),
      ...lineFields,
      multiline: Multiline.optional().meta({ description: "Join lines into one event." }),
      encoding: z.enum(["bytes", "auto", "utf-16le", "utf-16be"]).default("bytes").meta({
        description:
          "`bytes`: lines pass as they are. `auto`: a file that begins with a byte order mark of UTF-16 is read as that, and its lines are given as UTF-8; others pass as they are.",
      }),
      format: z.enum(["lines", "docker", "cri"]).default("lines").meta({
        description:
          "`docker` (json-file) and `cri`: logs of containers. Each record is unwrapped, a line in pieces is joined, the record's time is the event's. What is no such record passes as it is.",
      }),
      streamHeader: z.string().min(1).optional().meta({
        description:
          "With `format: docker` or `cri`: name of a header that is to hold the stream (`stdout`, `stderr`); unset: none.",
      }),
    })
    .superRefine(({ format, multiline, encoding, streamHeader }, context) => {
      const refuse = (field: string, message: string) => context.addIssue({ code: "custom", message, path: [field] });
      if (format === "lines" && streamHeader !== undefined)
        refuse("streamHeader", "only records of containers have a stream: set format");
      if (format !== "lines" && multiline !== undefined) refuse("multiline", `is not there for format: ${format} yet`);
      if (format !== "lines" && encoding !== "bytes") refuse("encoding", `records of ${format} are always UTF-8`);
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
