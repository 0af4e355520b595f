import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the exec source. */
export const codes = defineCodes({
  EDGE_EXEC: {
    severity: "transient",
    hint: "Check that the command exists, with its path, and that the user of the service may run it. It is tried again.",
  },
});
