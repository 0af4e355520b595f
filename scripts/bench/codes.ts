import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the bench. */
export const codes = defineCodes({
  BENCH_FAILED: {
    severity: "fatal",
    hint: "Run the case alone with --case NAME; the agents' own logs are named above. Results of other cases are kept.",
  },
});
