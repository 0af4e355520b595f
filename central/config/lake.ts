import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { duration } from "../../shared/config/duration.ts";
import { path } from "../../shared/config/path.ts";

/** The topics as Parquet files, in an Iceberg table. */
export const LakeSection = z.strictObject({
  directory: path()
    .refine(
      (text) => /^[\w./-]+$/.test(text),
      "letters, digits, dot, dash, underscore and slash alone: files are named by URI",
    )
    .meta({
      description:
        "Where the files are. Readers need them under the same path. Several centrals may name it: one writes.",
    }),
  commitEvery: duration({ min: 100, max: 86_400_000 })
    .prefault("5m")
    .meta({ description: "How late rows may be in the lake. Less makes more, smaller files, which are merged later." }),
  buckets: z.int().min(1).max(1_024).default(4).meta({
    description: "Into how many files the vehicles of a day are divided. Fixed when the table is made.",
  }),
  retention: duration({ min: 86_400_000 }).optional().meta({
    description: "Days that lie further back are dropped, by the events' time. Not given: none is.",
  }),
  keepSnapshots: duration({ min: 60_000 })
    .prefault("1d")
    .meta({ description: "How long an earlier state of the table can be read: as long as the longest query." }),
  keepFree: byteSize().prefault("1GiB").meta({
    description: "So much of the disk stays free: the lake waits, and nobody else on that disk runs out of space.",
  }),
});

/** With their defaults. */
export type LakeConfig = z.output<typeof LakeSection>;
