import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of what only some stores can do. */
export const codes = defineCodes({
  CENTRAL_REPLAY_UNKNOWN: { severity: "usage", hint: "See /api/v1/replays for what there is." },
  CENTRAL_REDRIVE_UNKNOWN: { severity: "usage", hint: "See /api/v1/redrives for what there is." },
  CENTRAL_REDRIVE_RUNNING: {
    severity: "usage",
    hint: "One redrive runs at a time: wait for its end, or cancel it. See /api/v1/redrives.",
  },
  CENTRAL_REDRIVE_STATE: { severity: "usage", hint: "Only one that runs can be cancelled; see /api/v1/redrives." },
  CENTRAL_STORE_DAMAGED: {
    severity: "fatal",
    hint: "The disk has changed what was stored. Stop central, look at the disk, put back a copy of the file, and read its topics again from there (`/api/v1/replays`).",
  },
  CENTRAL_REPLAY_STATE: {
    severity: "usage",
    hint: "Only a running replay can be paused, a paused one resumed, and either cancelled.",
  },
});
