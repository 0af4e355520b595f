import { defineCodes } from "../shared/errors/error-code.ts";

/** Error codes of the program. */
export const codes = defineCodes({
  CENTRAL_STOP_SLOW: {
    severity: "transient",
    hint: "Nothing is lost: what was not stored is read again at the next start. The group gives its partitions to others when its session is over.",
  },
  CENTRAL_ADDRESS_IN_USE: {
    severity: "usage",
    hint: "Another process listens there. Choose another address with TAILGATE_LISTEN or `listen`.",
  },
});
