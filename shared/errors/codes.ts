/**
 * Every error code of Tailgate: how bad it is, and what its reader can do about it. One table for the log, the
 * command line, the HTTP bodies and the reference page, so that a code means the same everywhere.
 */
export type Severity =
  /** May work later with the same input: whoever runs the work waits and tries again, without end. */
  | "transient"
  /** Never works with this input: the named records go to the dead letters, the rest goes on. */
  | "permanent"
  /** This component cannot go on; health says so; the others keep running. */
  | "fatal"
  /** What the user gave is wrong: nothing was started, nothing was touched. */
  | "usage"
  /** Our own assumption was broken: the process stops and its supervisor starts it again. */
  | "invariant";

interface CodeEntry {
  readonly severity: Severity;
  readonly hint: string;
}

/** The table. A component adds its codes here, with the hint a person can act on. */
export const codes = {
  INVARIANT: {
    severity: "invariant",
    hint: "This is a bug in Tailgate. Keep the log and the data directory, and report both.",
  },
  CONFIG_INVALID: { severity: "usage", hint: "Correct the lines named above; nothing was started or changed." },
  BUILD_FAILED: { severity: "usage", hint: "Correct what the bundler names above, then build again." },
  START_FAILED: { severity: "fatal", hint: "All that it said is in the folder logs of .tailgate." },
  TOOL_MISSING: { severity: "usage", hint: "Install what is named above, then run the command again." },
  LIBC_MISSING: {
    severity: "fatal",
    hint: "Take the binary that is built for this system: the ones named musl are for musl, the others for glibc.",
  },
  USAGE: { severity: "usage", hint: "Run the command with --help to see what it takes." },

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
    hint: "The disk refused a read or a write. Look at the kernel log (dmesg) for the device's own words.",
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
  EDGE_CHANNEL_UNNAMED: {
    severity: "usage",
    hint: "Put the channel back into the config until it has drained, or move its events out with `tailgate channel export`.",
  },
  EDGE_CHANNEL_VERSION: {
    severity: "usage",
    hint: "The data directory was written by a newer tailgate. Run that version, or start on a new dataDir.",
  },
  EDGE_CHANNEL_DAMAGED: {
    severity: "invariant",
    hint: "The channel file is damaged. The next start renames it, copies what can be read, and goes on under a new epoch.",
  },
  EDGE_SOURCE_FILE: {
    severity: "transient",
    hint: "Check that the file exists and that the user of the service may read it.",
  },
  EDGE_SPOOL_FILE_CHANGED: {
    severity: "permanent",
    hint: "Write spool files elsewhere on the same file system and rename them into the spool directory when complete.",
  },
  EDGE_SINK_UNEXPECTED: {
    severity: "transient",
    hint: "A sink met something it does not know. The events are held and tried again; please report the message.",
  },
  EDGE_DESTINATION_AWAY: {
    severity: "transient",
    hint: "Check that the destination is up and reachable from here; the channel holds the events meanwhile.",
  },
  EDGE_RECORD_REFUSED: {
    severity: "permanent",
    hint: "Read what was refused, and why, with `tailgate channel export --dead`.",
  },
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
    hint: "Starting it did not come to an end: look at what it opens (a network file system that hangs, a device).",
  },
  EDGE_SOURCE_ENDED: {
    severity: "transient",
    hint: "It is made anew and goes on from its stored positions; please report the message if it comes again.",
  },
  EDGE_SINK_START: {
    severity: "transient",
    hint: "Starting it did not come to an end: look at what it opens (a network file system that hangs, a device).",
  },
  EDGE_ADMIN_ADDRESS: {
    severity: "usage",
    hint: "Another process listens there, or the address is not this machine's. Change `admin.address` in the config.",
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
  CENTRAL_STOP_SLOW: {
    severity: "transient",
    hint: "Nothing is lost: what is stored is stored, the rest is read again at the next start. The group lets go of this instance when its session runs out.",
  },
  CENTRAL_BAD_REQUEST: { severity: "usage", hint: "See /api/v1/openapi.json for what the route takes." },
  CENTRAL_ADDRESS_IN_USE: {
    severity: "usage",
    hint: "Another process listens there. Choose another address with TAILGATE_LISTEN or `listen`.",
  },
  CENTRAL_NOT_FOUND: { severity: "usage", hint: "See /api/v1/vehicles for what there is." },
  CENTRAL_UNAUTHORIZED: { severity: "usage", hint: "Send the API key as `Authorization: Bearer <key>`." },
  CENTRAL_FORBIDDEN: { severity: "usage", hint: "Give the key this scope in `apiKeys`, or use another key." },
  CENTRAL_TOO_MANY_REFUSALS: { severity: "transient", hint: "Correct the key, and wait a second between tries." },
  CENTRAL_METHOD: { severity: "usage", hint: "The header `Allow` says what this path takes." },
  CENTRAL_HOST_REFUSED: {
    severity: "usage",
    hint: "Ask by address or as localhost, or put the name into `allowedHosts`; names of others are refused against DNS rebinding.",
  },
  BENCH_FAILED: {
    severity: "fatal",
    hint: "Run the case alone with --case NAME; the agents' own logs are named above. Results of other cases are kept.",
  },
} as const satisfies Record<string, CodeEntry>;

/** A code of the table. */
export type Code = keyof typeof codes;
