import { defineCodes } from "./error-code.ts";

/**
 * Error codes that several parts say. They are written by name: `new AppError("CONFIG_INVALID", …)`. A code that only one
 * component says stands in a file of that component; see `defineCodes`.
 */
export const codes = defineCodes({
  INVARIANT: {
    severity: "invariant",
    hint: "This is a bug in Tailgate. Keep the log and the data directory, and report both.",
  },
  CONFIG_INVALID: { severity: "usage", hint: "Correct the lines named above; nothing was started or changed." },
  LIBC_MISSING: {
    severity: "fatal",
    hint: "Take the binary that is built for this system: the ones named musl are for musl, the others for glibc.",
  },
  USAGE: { severity: "usage", hint: "Run the command with --help to see what it takes." },
  OUTPUT_FAILED: {
    severity: "fatal",
    hint: "What was written is not complete. Make room where the output goes, and run the command again.",
  },

  RECORD_BATCH_CORRUPT: {
    severity: "permanent",
    hint: "The bytes were damaged on disk or on the way, or written by something else. `tailgate channel verify` looks at a channel.",
  },
  EDGE_CHANNEL_FULL: {
    severity: "transient",
    hint: "Free disk space or raise the channel's capacity; the log files keep what is not yet read.",
  },
  EDGE_CHANNEL_IO: {
    severity: "transient",
    hint: "The disk refused a read or a write. Look at the kernel log (dmesg) for what the device said.",
  },
  EDGE_CHANNEL_UNNAMED: {
    severity: "usage",
    hint: "Put the channel back into the config, with its sink, until it has drained: it needs no source. Or move its events out with `tailgate channel export`.",
  },
  EDGE_SOURCE_FILE: {
    severity: "transient",
    hint: "Check that the file exists and that the user of the service may read it.",
  },
  EDGE_SINK_UNEXPECTED: {
    severity: "transient",
    hint: "A sink met an error that it does not know. The events are held and tried again; please report the message.",
  },
  EDGE_DESTINATION_AWAY: {
    severity: "transient",
    hint: "Check that the destination is up and reachable from here; the channel holds the events meanwhile.",
  },
  EDGE_RECORD_REFUSED: {
    severity: "permanent",
    hint: "Read what was refused, and why, with `tailgate channel export --dead`.",
  },
  EDGE_SINK_FILE: {
    severity: "transient",
    hint: "Check the directory's free space and that the user of the service may write there.",
  },
  KAFKA_UNREACHABLE: {
    severity: "transient",
    hint: "Check that the brokers are up and reachable from here; the channel holds the events meanwhile.",
  },
  KAFKA_AUTHENTICATION: {
    severity: "transient",
    hint: "Check the sasl user, password and mechanism, and the TLS certificates. Tailgate tries again on its own.",
  },
  KAFKA_TLS: {
    severity: "transient",
    hint: "Check the tls settings and certificates of both sides, and this machine's clock. Tailgate tries again on its own.",
  },
  KAFKA_UNAUTHORIZED: {
    severity: "transient",
    hint: "Grant WRITE on the topic to this user (kafka-acls --producer). Tailgate tries again on its own.",
  },
  KAFKA_TOPIC_MISSING: {
    severity: "transient",
    hint: "Create the topic, or set `createTopic` in the sink's config. Tailgate tries again on its own.",
  },
  KAFKA_CLUSTER_CHANGED: {
    severity: "transient",
    hint: "The brokers' address answers for another Kafka cluster than before; what is held goes there, in a new session.",
  },
  KAFKA_VERSION: {
    severity: "transient",
    hint: "The broker is older or newer than this program can speak to: Apache Kafka 2.1 and later are known to work. Tailgate tries again on its own.",
  },
  KAFKA_NOT_ENOUGH_REPLICAS: {
    severity: "transient",
    hint: "Fewer replicas are in sync than the topic's min.insync.replicas asks for. Bring the other brokers back.",
  },
  KAFKA_UNKNOWN_OUTCOME: {
    severity: "transient",
    hint: "The broker did not say whether it has the batch; the same bytes are sent again, which it recognises.",
  },
  KAFKA_CLOCK: {
    severity: "transient",
    hint: "Set the topic's message.timestamp.type to LogAppendTime, or this machine's and the brokers' clocks right; the channel holds the events.",
  },
  KAFKA_RECORD_REFUSED: {
    severity: "permanent",
    hint: "Read what was refused with `tailgate channel export --dead`; raise the topic's max.message.bytes if it is the size. An empty record with the identity header stands in its place in the topic.",
  },
  KAFKA_SESSION_FENCED: {
    severity: "fatal",
    hint: "Another process sends with this agent's identity. Was the data directory copied? Stop one of the two.",
  },
  KAFKA_LOST_BY_BROKER: {
    severity: "permanent",
    hint: "The broker lost records that it had acknowledged. Use replication with min.insync.replicas of 2 or more.",
  },
  CENTRAL_STORE_UNAVAILABLE: {
    severity: "transient",
    hint: "Check the store's disk space and permissions; consumption goes on by itself when it answers again.",
  },
  CENTRAL_STORE_FENCED: {
    severity: "transient",
    hint: "Another instance owns the partition now; this one lets go of it.",
  },
  CENTRAL_STORE_VERSION: {
    severity: "usage",
    hint: "The store was written by a newer central. Run that version, or start on another store path.",
  },
  CENTRAL_STORE_FOREIGN: {
    severity: "usage",
    hint: "Nothing was written into it. Name another file with TAILGATE_STORE or `store`; an empty or missing file is made a store.",
  },
  CENTRAL_RECORD_POISON: {
    severity: "permanent",
    hint: "Read the record under /api/v1/dead-letters.",
  },
});

/** A code of the table. */
export type Code = keyof typeof codes;
