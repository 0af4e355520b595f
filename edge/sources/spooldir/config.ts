import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { regexMistake } from "../../../shared/files/name-pattern.ts";
import { fileFields } from "../../core/file-fields.ts";
import { limits } from "../../core/limits.ts";
import { lineFields } from "../../core/line-fields.ts";

const Suffix = z.string().regex(/^[^/\s]+$/, { error: "not a suffix: write at least one character, without a slash" });

/** Regular expressions among patterns are read with the config. */
function expressions(patterns: readonly string[] | undefined, context: z.RefinementCtx): void {
  for (const [index, written] of (patterns ?? []).entries()) {
    const message = regexMistake(written);
    if (message !== undefined) context.addIssue({ code: "custom", path: [index], message });
  }
}

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
          "What happens to a file when all its lines are durable: it is renamed, deleted, or left as it is and remembered.",
      }),
      completedSuffix: Suffix.default(".COMPLETED").meta({ description: "Added to the name of a file that is done." }),
      errorSuffix: Suffix.default(".ERROR").meta({
        description: "Added to the name of a file that changed while it was read, or whose name was used before.",
      }),
      ignore: z
        .array(z.string().min(1))
        .default([".*", "*.tmp", "*.part"])
        .superRefine(expressions)
        .meta({ description: "Names of files that are not read: globs, or `regex:` and a regular expression." }),
      include: z.array(z.string().min(1)).min(1).optional().superRefine(expressions).meta({
        description: "Names of files that are read, written in the same way; unset: all that `ignore` does not name.",
      }),
      order: z
        .enum(["mtime", "name"])
        .default("mtime")
        .meta({ description: "Which file is read first: the one written first, or the first by name." }),
      recursive: z.boolean().default(false).meta({ description: "Read files in folders below, too." }),
      settle: duration()
        .prefault("1s")
        .meta({ description: "A file is read once its size and time did not change for this long." }),
      pollInterval: duration({ min: 10 }).prefault("1s").meta({ description: "How often the directory is looked at." }),
      deserializer: z.enum(["line", "blob"]).default("line").meta({
        description: "line: each line of a file is an event. blob: a whole file is one.",
      }),
      blobBytesMax: byteSize({ min: 16, max: limits.lineBytesMax })
        .prefault(limits.lineBytesMax)
        .meta({ description: "With `deserializer: blob`, a larger file becomes several events of this size." }),
      decompress: z.boolean().default(true).meta({
        description: "Read what is compressed in a file whose content begins as gzip or zstd does, whatever its name.",
      }),
      decompressedBytesMax: byteSize({ min: 1 }).prefault("64GiB").meta({
        description:
          "A compressed file that holds more is an error: it gets `errorSuffix` when this much of it was read.",
      }),
      trackerFrom: path().optional().meta({
        description:
          "Flume's tracker folder (`.flumespool`): its files go on where Flume stopped. Read once, while nothing of this source is stored.",
      }),
      ...fileFields,
      ...lineFields,
    })
    .refine((config) => config.completedSuffix !== config.errorSuffix, {
      error: "completedSuffix and errorSuffix are the same",
      path: ["errorSuffix"],
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
