import { defineCodes } from "../../../shared/errors/error-code.ts";

/** What the relay source answers. */
export const codes = defineCodes({
  EDGE_RELAY_CONTENT: {
    severity: "permanent",
    hint: "A body is one or more whole record batches (magic 2) of one lane, each record with its identity header, its number above the one before. Nothing of this one was taken.",
  },
  EDGE_RELAY_TOO_LARGE: {
    severity: "permanent",
    hint: "Send less in one body (`bodyBytesMax` of the relay source); a record of more than 512 KiB is never taken. Nothing of this one was taken.",
  },
  EDGE_RELAY_AGENT: {
    severity: "usage",
    hint: "With `certificateNamesAgent` a client may bring only records of the agent that its certificate names. Nothing of the body was taken.",
  },
  EDGE_RELAY_TOKEN: {
    severity: "usage",
    hint: "Give the relay sink a `token` that stands among the `tokens` of the relay source.",
  },
  EDGE_RELAY_TYPE: {
    severity: "usage",
    hint: "Send the header `Content-Type: application/vnd.tailgate.record-batches`, and no content encoding.",
  },
  EDGE_RELAY_BUSY: {
    severity: "transient",
    hint: "The aggregator's channel has no room, or as much waits as may (`waitingBytesMax`, `sendersMax`). Nothing was taken: the same is sent again after `Retry-After`.",
  },
  EDGE_RELAY_UNSURE: {
    severity: "transient",
    hint: "The aggregator stopped before the commit was certain. The same is sent again; what is there already is left out.",
  },
});
