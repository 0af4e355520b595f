import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the spooldir source. */
export const codes = defineCodes({
  EDGE_SPOOL_FILE_CHANGED: {
    severity: "permanent",
    hint: "Write spool files elsewhere on the same file system and rename them into the spool directory when complete.",
  },
  EDGE_SPOOL_FILE_DAMAGED: {
    severity: "permanent",
    hint: "What stands before the damage was read, up to the last whole line. What follows it is only in the file.",
  },
});
