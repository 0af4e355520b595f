import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of drivers, and of what starts them. */
export const codes = defineCodes({
  TOOL_MISSING: { severity: "usage", hint: "Install what is named above, then run the command again." },
});
