import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the mqtt source. */
export const codes = defineCodes({
  EDGE_MQTT_REFUSED: {
    severity: "transient",
    hint: "Check user, password, client id and the broker's access list. Two clients with one client id push each other out. It is tried again.",
  },
});
