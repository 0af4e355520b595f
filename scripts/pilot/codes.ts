import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the pilot. */
export const codes = defineCodes({
  START_FAILED: { severity: "fatal", hint: "All that it said is in the folder logs of .tailgate." },
});
