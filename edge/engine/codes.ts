import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the engine. */
export const codes = defineCodes({
  EDGE_RELOAD_FAILED: {
    severity: "fatal",
    hint: "Nothing runs any more; the service manager starts it again. Correct what is named above.",
  },
  EDGE_RELOAD_WAITS: {
    severity: "transient",
    hint: "Free disk space, then reload again; the config in force stays as it is.",
  },
  EDGE_SOURCE_START: {
    severity: "transient",
    hint: "It did not finish its start: look at what it opens (a network file system that hangs, a device).",
  },
  EDGE_SOURCE_ENDED: {
    severity: "transient",
    hint: "It is made anew and goes on from its stored positions; please report the message if it comes again.",
  },
  EDGE_SINK_START: {
    severity: "transient",
    hint: "It did not finish its start: look at what it opens (a network file system that hangs, a device).",
  },
});
