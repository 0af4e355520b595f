/** Config fields of the edge's components that talk to Kafka, beside `kafkaBrokers`. */
import { z } from "zod";
import { duration } from "../../shared/config/duration.ts";
import { kafkaSasl, kafkaTls } from "../../shared/kafka/connection-fields.ts";

/** How a connection is secured. */
export function securityFields() {
  return {
    tls: kafkaTls().optional().meta({ description: "Encrypts connections; {} for the system's certificates." }),
    sasl: kafkaSasl().optional().meta({ description: "How to authenticate." }),
  };
}

/** Who we say we are. */
export function clientIdField() {
  return z.string().min(1).max(200).optional().meta({
    description: "Shown in the broker's logs and quotas; tailgate-<agent> when left out.",
  });
}

/** How long a connection, and an answer, may take. */
export function timeoutFields() {
  return {
    connectTimeout: duration({ min: 100, max: 300_000 })
      .prefault("10s")
      .meta({ description: "How long it may take until a connection stands, authentication included." }),
    requestTimeout: duration({ min: 500, max: 600_000 }).prefault("30s").meta({
      description: "How long a request may take until it is answered; then the connection is closed and opened anew.",
    }),
  };
}

/** How long a member of a group may be silent. */
export function sessionTimeoutField() {
  return duration({ min: 6_000, max: 1_800_000 })
    .prefault("30s")
    .meta({ description: "A member that is silent for this long loses its partitions to the others." });
}
