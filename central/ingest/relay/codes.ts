import { defineCodes } from "../../../shared/errors/error-code.ts";

/** What central answers to bodies that an edge has relayed. */
export const relayCodes = defineCodes({
  CENTRAL_RELAY_CONTENT: {
    severity: "permanent",
    hint: "A body is one or more whole record batches (magic 2), of one lane, each record with its identity header. Nothing of this one was stored.",
  },
  CENTRAL_RELAY_TOO_LARGE: {
    severity: "permanent",
    hint: "Send less in one body (`relay.bodyBytesMax`). Nothing of this one was stored.",
  },
  CENTRAL_RELAY_AGENT: {
    severity: "usage",
    hint: "`relay.agents` of central's config says which agents a key may speak for. Nothing of the body was stored.",
  },
});
