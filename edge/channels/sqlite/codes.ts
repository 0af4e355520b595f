import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the channel file. */
export const codes = defineCodes({
  EDGE_CHANNEL_MISSING: {
    severity: "usage",
    hint: "An agent makes it at its first start. Is it the right `dataDir`, and did the agent ever run? `--data DIR` names another folder.",
  },
  EDGE_CHANNEL_BUSY: {
    severity: "transient",
    hint: "Another program has the channel file locked (a sqlite3 shell, a backup that is no `tailgate`). End it; Tailgate tries again on its own.",
  },
  EDGE_DATA_DIR: {
    severity: "usage",
    hint: "Give the folder to the user of the service (chown -R), mount it writable, or name another `dataDir`.",
  },
  EDGE_CHANNEL_LOCKED: {
    severity: "usage",
    hint: "Another tailgate runs on this data directory. Stop it, or give this one a dataDir of its own.",
  },
  EDGE_CHANNEL_VERSION: {
    severity: "usage",
    hint: "The data directory was written by a newer tailgate. Run that version, or start on a new dataDir.",
  },
  EDGE_CHANNEL_DAMAGED: {
    severity: "restart",
    hint: "The channel file is damaged. The next start renames it, copies what can be read, and goes on under a new epoch.",
  },
});
