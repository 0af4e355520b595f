import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { limits } from "../../core/limits.ts";

const Suffix = z.string().regex(/^[^/\s]+$/, { error: "not a suffix: write at least one character, without a slash" });

/** Config of the spooldir source. */
export const Config = z
  .strictObject({
    path: path().meta({ description: "The directory into which complete files are put, by renaming them into it." }),
    done: z.enum(["rename", "delete", "tracker"]).default("rename").meta({
      description:
        "What happens to a file when all its lines are durable: it is renamed, deleted, or left alone and remembered.",
    }),
    completedSuffix: Suffix.default(".COMPLETED").meta({ description: "Added to the name of a file that is done." }),
    errorSuffix: Suffix.default(".ERROR").meta({
      description: "Added to the name of a file that changed while it was read, or whose name was used before.",
    }),
    ignore: z
      .array(z.string().min(1))
      .default([".*", "*.tmp", "*.part"])
      .meta({ description: "Glob patterns of file names that are left alone." }),
    order: z
      .enum(["mtime", "name"])
      .default("mtime")
      .meta({ description: "Which file is read first: the one written first, or the first by name." }),
    recursive: z.boolean().default(false).meta({ description: "Read files in folders below, too." }),
    settle: duration()
      .prefault("1s")
      .meta({ description: "A file is taken once its size and time did not change for so long." }),
    pollInterval: duration({ min: 10 }).prefault("1s").meta({ description: "How often the directory is looked at." }),
    lineBytesMax: byteSize({ min: 16, max: limits.lineBytesMax })
      .prefault(limits.lineBytesMax)
      .meta({ description: "A longer line is cut here, marked with the header `cut`, and counted." }),
    skipEmptyLines: z.boolean().default(false).meta({ description: "Leave out lines without a byte." }),
    stripCarriageReturn: z.boolean().default(false).meta({ description: "Take `\\r\\n` as a line end." }),
    fileHeader: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Name of a header that is to hold the path of the file; unset: none." }),
  })
  .refine((config) => config.completedSuffix !== config.errorSuffix, {
    error: "completedSuffix and errorSuffix are the same",
    path: ["errorSuffix"],
  });
export type Config = z.output<typeof Config>;
