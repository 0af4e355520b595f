import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the lake. */
export const codes = defineCodes({
  CENTRAL_LAKE_DISK: {
    severity: "transient",
    hint: "Free some space on the lake's disk, or let central write there. The lake then goes on by itself from its last snapshot. Nothing is lost as long as Kafka keeps the records.",
  },
  CENTRAL_LAKE_AWAY: {
    severity: "transient",
    hint: "Mount the lake's disk: the lake then goes on by itself, and the store goes on meanwhile. If the lake is to begin anew in this folder, remove the note that is named (it lies beside the store's file).",
  },
  CENTRAL_LAKE_FENCED: {
    severity: "transient",
    hint: "Another central has written a snapshot in between. One writes, the others wait, so there is nothing to do. If it happens again and again, two centrals do not see each other's lock on the lake's directory.",
  },
  CENTRAL_LAKE_TABLE: {
    severity: "fatal",
    hint: "The lake's table cannot be read: put back its metadata from a copy, or move the directory away and remove the note beside the store's file (its name ends in .lake); then a new table is made of what Kafka still holds.",
  },
  CENTRAL_LAKE_KAFKA: {
    severity: "transient",
    hint: "The lake goes on by itself when Kafka answers. It needs READ on the topics.",
  },
  CENTRAL_LAKE_BROKEN: {
    severity: "transient",
    hint: "This should not happen: please report it with the log. The lake begins anew from its last snapshot by itself; the store goes on.",
  },
  CENTRAL_LAKE_OFF: {
    severity: "usage",
    hint: "Name a `lake.directory` in the config.",
  },
});
