import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of replay. */
export const codes = defineCodes({
  CENTRAL_REPLAY_KAFKA: {
    severity: "transient",
    hint: "The replay goes on by itself when Kafka answers. It needs READ on the topics; into a topic also WRITE on it, and on the transactional id and READ on the group that begin with `tailgate-replay-`.",
  },
  CENTRAL_REPLAY_FENCED: {
    severity: "transient",
    hint: "Another central goes on with the replay; this one has stopped it. There is nothing to do.",
  },
  CENTRAL_REPLAY_TARGET: {
    severity: "usage",
    hint: "Name a topic that is neither read by the replay nor stored by this central, with message.timestamp.type CreateTime.",
  },
  CENTRAL_REPLAY_RECORD: {
    severity: "permanent",
    hint: "Raise max.message.bytes of the topic that is written to, or choose a range without the record.",
  },
  CENTRAL_REPLAY_WIDE: {
    severity: "usage",
    hint: "Name one topic: each partition takes memory while it is replayed, and these are too many.",
  },
  CENTRAL_REPLAY_STREAMS: {
    severity: "transient",
    hint: "Wait until another replay stream has ended, or ask another central; `Retry-After` says when to try.",
  },
  CENTRAL_REPLAY_TOPIC: { severity: "usage", hint: "Name a topic that this central stores; `/api/v1/lag` lists them." },
  CENTRAL_REPLAY_UNSUPPORTED: {
    severity: "usage",
    hint: "This kind of store supports neither replay nor erasure. SQLite (a path) and PostgreSQL do.",
  },
  CENTRAL_REDRIVE_UNSUPPORTED: {
    severity: "usage",
    hint: "This kind of store does not support redrive. SQLite (a path) and PostgreSQL do.",
  },
  CENTRAL_REPLAY_NO_KAFKA: {
    severity: "usage",
    hint: "Set `kafka.brokers` in the config. What came by relay is in no topic, so it cannot be replayed.",
  },
});
