import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of what only some stores can do. */
export const codes = defineCodes({
  CENTRAL_REPLAY_UNKNOWN: { severity: "usage", hint: "See /api/v1/replays for what there is." },
  CENTRAL_REPLAY_STATE: {
    severity: "usage",
    hint: "Only a running replay can be paused, a paused one resumed, and either cancelled.",
  },
});
