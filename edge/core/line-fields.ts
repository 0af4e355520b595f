import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { limits } from "./limits.ts";

/** Fields of every source that reads lines of files: how lines are taken apart, and what is said of their file (see line-intake.ts). */
export const lineFields = {
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
  basenameHeader: z
    .string()
    .min(1)
    .optional()
    .meta({ description: "Name of a header that is to hold the file's name without its folder; unset: none." }),
};
