import { defineCodes } from "../../../shared/errors/error-code.ts";

/** What is wrong with a relay request before anything of it is read as records. */
export const deskCodes = defineCodes({
  CENTRAL_RELAY_OFF: {
    severity: "usage",
    hint: "Put `relay: {}` into central's config, or let the edge send to Kafka.",
  },
  CENTRAL_RELAY_TYPE: {
    severity: "usage",
    hint: "Send the header `Content-Type: application/vnd.tailgate.record-batches`. A web page cannot send it to another site without permission.",
  },
  CENTRAL_RELAY_BUSY: {
    severity: "transient",
    hint: "Too many requests or bytes wait (`relay.requestsMax`, `relay.waitingBytesMax`). Send the same again after `Retry-After`.",
  },
  CENTRAL_RELAY_SLOW: {
    severity: "transient",
    hint: "The body came too slowly or not to its end. Send the same again.",
  },
});
