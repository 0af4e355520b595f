import { defineCodes } from "../shared/errors/error-code.ts";

/** Error codes of the program. */
export const codes = defineCodes({
  CENTRAL_STOP_SLOW: {
    severity: "transient",
    hint: "Nothing is lost: what is stored is stored, the rest is read again at the next start. The group lets go of this instance when its session runs out.",
  },
  CENTRAL_ADDRESS_IN_USE: {
    severity: "usage",
    hint: "Another process listens there. Choose another address with TAILGATE_LISTEN or `listen`.",
  },
});
