import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the build. */
export const codes = defineCodes({
  BUILD_FAILED: { severity: "usage", hint: "Correct what the bundler names above, then build again." },
});
