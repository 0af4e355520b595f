import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of replay. */
export const codes = defineCodes({
  CENTRAL_REPLAY_KAFKA: {
    severity: "transient",
    hint: "The replay goes on by itself when Kafka answers. It needs READ on the topics; into a topic also WRITE on it, and on the transactional id and READ on the group that begin with `tailgate-replay-`.",
  },
  CENTRAL_REPLAY_FENCED: {
    severity: "transient",
    hint: "Another instance goes on with the replay's producer; this one lets go of it.",
  },
  CENTRAL_REPLAY_TARGET: {
    severity: "usage",
    hint: "Name a topic that is neither read by the replay nor stored by this central, with message.timestamp.type CreateTime.",
  },
  CENTRAL_REPLAY_RECORD: {
    severity: "permanent",
    hint: "Raise max.message.bytes of the topic that is written to, or leave the record out by the range.",
  },
  CENTRAL_REPLAY_WIDE: { severity: "usage", hint: "Name a topic: each partition costs memory while it is replayed." },
  CENTRAL_REPLAY_STREAMS: {
    severity: "transient",
    hint: "Wait until another replay stream has ended, or ask another central; `Retry-After` says when to try.",
  },
  CENTRAL_REPLAY_TOPIC: { severity: "usage", hint: "A topic that this central stores; `/api/v1/lag` names them." },
  CENTRAL_REPLAY_UNSUPPORTED: {
    severity: "usage",
    hint: "This kind of store has no replay and erasure yet; the embedded one (a path) has.",
  },
  CENTRAL_REDRIVE_UNSUPPORTED: { severity: "usage", hint: "This kind of store tries no dead letters again." },
  CENTRAL_REPLAY_NO_KAFKA: {
    severity: "usage",
    hint: "Set `kafka.brokers` in the config: what came by relay alone is nowhere but in the store.",
  },
});
