import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { mistakeOf } from "./file-name.ts";

/** What the sink is made from. */
export const configSchema = () =>
  z.strictObject({
    directory: path().meta({
      description:
        "Where the files go. It is made when it is not there, also while the agent runs. After a change, files in progress get their names in the folder where they were begun.",
      writes: true,
    }),
    file: z
      .string()
      .default("%{stream}-%Y-%m-%d.log")
      .refine((pattern) => mistakeOf(pattern) === undefined, { error: (issue) => mistakeOf(String(issue.input)) })
      .meta({
        description:
          "Name below the directory, by event time in UTC: %Y %m %d %H %M, %{stream} %{topic} %{agent} %{lane}. May hold folders.",
      }),
    rollBytes: byteSize({ min: 1024 }).optional().meta({ description: "Begin a new file when one is this large." }),
    rollInterval: duration({ min: 1_000 }).optional().meta({ description: "Begin a new file when one is this old." }),
    publishAfter: duration({ min: 10_000 }).prefault("1m").meta({
      description:
        "A file whose time is over (or that is full) gets its final name when nothing was written to it for this long; until then it lies in `.in-progress`.",
    }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
