import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of what listens. */
export const codes = defineCodes({
  EDGE_LISTEN: {
    severity: "transient",
    hint: "Another process listens there, the address is not this machine's, or the port needs a privilege (below 1024: CAP_NET_BIND_SERVICE). Change `address`; it is tried again until it can be had.",
  },
  EDGE_SERVER_AWAY: {
    severity: "transient",
    hint: "Check that the server is up and reachable from here, and the TLS settings of both sides. It is tried again without end.",
  },
  EDGE_PROTOCOL: {
    severity: "permanent",
    hint: "The sender does not speak what this source expects; compare its settings (protocol, framing, TLS) with the source's type.",
  },
});
