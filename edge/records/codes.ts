import { defineCodes } from "../../shared/errors/error-code.ts";

/** Of sinks that write records to a server, and of what talks to an MQTT broker. */
export const codes = defineCodes({
  EDGE_DESTINATION_AUTH: {
    severity: "transient",
    hint: "The destination does not take these credentials, or they may not write there. Correct them in the config; Tailgate tries again on its own.",
  },
  EDGE_DESTINATION_WRONG: {
    severity: "transient",
    hint: "Something else answers at this address, or the path in it is wrong (a redirect is not followed: credentials stay with the address of the config). The channel holds the events.",
  },
  EDGE_RELAY_RING: {
    severity: "transient",
    hint: "Aggregators that stand in for each other send a batch round in a circle while what they all wait for is away; or two of them have the same name: give each `agent` its own. The channel holds the batch, and every member of its group is tried again.",
  },
  EDGE_DESTINATION_BUSY: {
    severity: "transient",
    hint: "The destination is up and asks us to wait, as when its channel is full. It is asked again by itself; the channel holds the events meanwhile. When this lasts, look at what the destination waits for.",
  },
  EDGE_DESTINATION_TLS: {
    severity: "transient",
    hint: "Look at the certificates, the destination's and our own. The channel holds the events, and they are tried again.",
  },
  EDGE_MQTT_REFUSED: {
    severity: "transient",
    hint: "Check user, password, client id and the broker's access list. Two clients with one client id end each other's connections. It is tried again.",
  },
});
