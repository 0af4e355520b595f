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
        "Folder of the lake. Not given: no lake. Readers need it under the same path. Several centrals may name it; one of them writes.",
    }),
  commitEvery: duration({ min: 100, max: 86_400_000 }).prefault("5m").meta({
    description:
      "How late rows may be in the lake. A shorter time makes more and smaller files, which are merged later.",
  }),
  buckets: z.int().min(1).max(1_024).default(4).meta({
    description:
      "How many groups of files the vehicles of a day are divided into. It cannot be changed once the table is made.",
  }),
  retention: duration({ min: 86_400_000 }).optional().meta({
    description: "Days that are older than this are dropped, by the events' time. Not given: none is.",
  }),
  keepSnapshots: duration({ min: 60_000 }).prefault("1d").meta({
    description: "How long an earlier state of the table can be read. It should be longer than the longest query.",
  }),
  keepFree: byteSize().prefault("1GiB").meta({
    description:
      "So much of the disk stays free. With less the lake waits, so that nothing else on the disk runs out of space.",
  }),
});

/** With their defaults. */
export type LakeConfig = z.output<typeof LakeSection>;
