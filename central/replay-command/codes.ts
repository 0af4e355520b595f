import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the command that asks a running central. */
export const codes = defineCodes({
  CENTRAL_COMMAND_REFUSED: {
    severity: "usage",
    hint: "Central has refused the request, for the reason above; run the command with --help.",
  },
  CENTRAL_COMMAND_AWAY: {
    severity: "transient",
    hint: "Is central running, and is this its address? Name another one by --url or TAILGATE_CENTRAL_URL.",
  },
  CENTRAL_COMMAND_FAILED: { severity: "permanent", hint: "The output above says why the replay failed." },
});
