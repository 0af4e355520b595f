import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the Kafka channel beside those that all who speak to Kafka have. */
export const codes = defineCodes({
  KAFKA_CHANNEL_NOT_TAKEN: {
    severity: "transient",
    hint: "The brokers answer, but take no events now: they start, elect a leader, or lack replicas. Tailgate tries again on its own; if it lasts, look at the brokers' logs.",
  },
});
