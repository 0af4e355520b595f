import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the admin HTTP. */
export const codes = defineCodes({
  EDGE_ADMIN_ADDRESS: {
    severity: "usage",
    hint: "Another process listens there, or the address is not this machine's, or others may use the folder of the socket. Change `admin.address` in the config.",
  },
});
