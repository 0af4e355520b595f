import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of sink groups. */
export const codes = defineCodes({
  EDGE_GROUP_AWAY: {
    severity: "transient",
    hint: "No sink of the group could deliver; the message says why for each. The channel holds the events, and they are tried again.",
  },
});
