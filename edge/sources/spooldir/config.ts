import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { fileFields } from "../../core/file-fields.ts";
import { lineFields } from "../../core/line-fields.ts";

const Suffix = z.string().regex(/^[^/\s]+$/, { error: "not a suffix: write at least one character, without a slash" });

/** Config of the spooldir source. */
export const configSchema = () =>
  z
    .strictObject({
      path: path().meta({
        writes: true,
        description: "The directory into which complete files are put, by renaming them into it.",
      }),
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
      ...fileFields,
      ...lineFields,
    })
    .refine((config) => config.completedSuffix !== config.errorSuffix, {
      error: "completedSuffix and errorSuffix are the same",
      path: ["errorSuffix"],
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
