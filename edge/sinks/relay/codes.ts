import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Of the relay sink alone. */
export const codes = defineCodes({
  EDGE_RELAY_IDENTITY: {
    severity: "fatal",
    hint: "What is held was put with `identity: false`: central could not tell a repeat from a new record. Deliver it with another sink, and set `identity: true` on the channel.",
  },
});
