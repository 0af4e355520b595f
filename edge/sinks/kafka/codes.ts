import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the Kafka sink beside those that central has too. */
export const codes = defineCodes({
  KAFKA_NOT_READY: {
    severity: "transient",
    hint: "The brokers can be reached and answer, but not with what is needed yet: they start, load, or elect a leader. Tailgate tries again on its own; if it lasts, look at the brokers' logs, and whether a majority of them is up.",
  },
});
