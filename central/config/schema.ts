import { z } from "zod";
import { isLoopback, parseAddress, readAddress } from "../../shared/config/address.ts";
import { byteSize } from "../../shared/config/byte-size.ts";
import { duration } from "../../shared/config/duration.ts";
import { path } from "../../shared/config/path.ts";
import { secret } from "../../shared/config/secret.ts";
import { kafkaBrokers, kafkaSasl, kafkaTls } from "../../shared/kafka/connection-fields.ts";
import { alerts } from "./alerts.ts";
import { scopes } from "./api-key.ts";
import { LakeSection } from "./lake.ts";
import { Relay } from "./relay.ts";
import { agentVehicles, signatures, topicAgents } from "./senders.ts";
import { Tls } from "./tls.ts";

/** A path, or `scheme://…` as it is. */
function storeAddress() {
  const message = "write a path, or scheme:// with two slashes, as in postgres://USER@HOST:PORT/DATABASE";
  // With one slash it would be a folder called `postgres:`.
  const aPath = z.string().regex(/^(?![a-z][a-z0-9+]*:)/, message);
  return z.union([z.string().regex(/^[a-z][a-z0-9+]*:\/\//, message), aPath.pipe(path())]);
}

/** A key that others hold; the config has only its hash, which nobody can ask with. */
const NamedKey = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "a name of letters, digits, dot, dash and underscore")
    .meta({
      description: "Name of the key, for the log and for `relay.agents`.",
    }),
  sha256: secret()
    .refine((text) => /^[\da-f]{64}$/i.test(text), "not a SHA-256: 64 hexadecimal digits (printf %s KEY | sha256sum)")
    .meta({ description: "SHA-256 of the key in hexadecimal, or `{ file: path }`." }),
  scopes: z.array(z.enum(scopes)).min(1).default(["read", "metrics"]).meta({
    description:
      "What the key may do. read: everything that is stored, and the books. metrics: /metrics. relay: send records as an edge. operate: replay, redrive, erase, quarantine, forget.",
  }),
});

/** What central can be told; one declaration for validation, types and `--help`. */
export const CentralConfig = z
  .strictObject({
    kafka: z
      .strictObject({
        brokers: kafkaBrokers("no brokers: write a list of host:port, or set KAFKA_BROKERS"),
        clientId: z.string().min(1).default("tailgate-central").meta({ description: "Name in the brokers' logs." }),
        tls: kafkaTls().optional(),
        sasl: kafkaSasl().optional(),
      })
      .optional(),
    relay: Relay.optional(),
    topics: z
      .array(z.string().regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore"))
      .default([])
      .meta({ description: "Topics to store. They may be created later." }),
    topicPattern: z
      .string()
      .optional()
      .transform((text, context) => {
        try {
          return text === undefined ? undefined : new RegExp(text);
        } catch (thrown) {
          context.addIssue({ code: "custom", message: `not a regular expression: ${String(thrown)}` });
          return z.NEVER;
        }
      })
      .meta({
        description: "Regular expression of names of topics to store; new topics that match are found within 10 s.",
      }),
    heartbeats: z
      .strictObject({
        topic: z
          .string()
          .regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore")
          .default("tailgate.heartbeats")
          .meta({
            description:
              "Topic of the agents' heartbeats. `heartbeats: {}` reads it; without `heartbeats` none are read, and nobody knows which agent is silent.",
          }),
      })
      .optional()
      .meta({
        description:
          "Reads what the agents say of themselves: who is silent, what is still in the vehicles. Not given: nothing of it is read.",
      }),
    lateAfter: duration({ min: 1 })
      .prefault("60s")
      .meta({ description: "An event that is stored more than this after its own time counts as late." }),
    booksPatience: duration({ min: 1_000 }).prefault("5m").meta({
      description:
        "How long an acknowledged record may take until it is stored. After that it is a difference in the books.",
    }),
    topicAgents: topicAgents(),
    agentVehicles: agentVehicles(),
    signatures: signatures(),
    group: z
      .string()
      .min(1)
      .max(200)
      .default("tailgate-central")
      .meta({ description: "Consumer group. All centrals on one store have the same one." }),
    store: storeAddress().prefault("tailgate-central.db").meta({
      description:
        "Where everything is stored. A path is a SQLite file. postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full is a PostgreSQL server, which several centrals may share.",
    }),
    storePassword: secret().optional().meta({
      description: "Password of the PostgreSQL server, if the address has none; a text or `{ file: path }`.",
      secret: true,
    }),
    listen: z
      .string()
      .refine((text) => readAddress(text) !== undefined, 'write host:port, as in "127.0.0.1:8080"')
      .default("127.0.0.1:8080")
      .meta({
        description:
          "Address of the HTTP server, or HTTPS with `tls`. An address that other machines can reach needs `apiKey` or `apiKeys`.",
      }),
    tls: Tls.optional().meta({
      description:
        "HTTPS on `listen`, TLS 1.2 or newer. Its files are read again when they change, and on SIGHUP. Not given: HTTP, for loopback or a proxy that speaks TLS.",
    }),
    apiKey: secret().optional().meta({
      description:
        "One key for everything, sent as `Authorization: Bearer …`; 16 characters or more; a text or `{ file: path }`.",
      secret: true,
    }),
    apiKeys: z.array(NamedKey).default([]).meta({ description: "More keys: name, sha256 and scopes of each." }),
    requestsPerSecond: z.int().min(1).max(1_000_000).default(200).meta({
      description:
        "Requests a second for each key, without those that relay; more are answered with 429. Without keys nothing is counted.",
    }),
    allowedHosts: z
      .array(z.string().regex(/^[\w.-]{1,253}$/, "not a host name"))
      .default([])
      .meta({
        description:
          "Host names under which central may be asked, beside addresses, localhost and this machine's name. All others are refused when names are given here, or when there are no keys.",
      }),
    lake: LakeSection.optional().meta({
      description:
        "The topics as Parquet files in an Iceberg table (central/lake/DESIGN.md). Not given: none is written.",
    }),
    rulesFile: path()
      .optional()
      .meta({ description: "YAML file of rules over events (central/rules/DESIGN.md). Not given: no rules." }),
    alerts: alerts(),
    sessionTimeout: duration({ min: 1_000, max: 300_000 }).prefault("6s").meta({
      description: "How long a central that died keeps its partitions. Brokers allow 6 s or more by default.",
    }),
    fetchBytes: byteSize({ min: 64 * 1024, max: 16 * 1024 * 1024 })
      .prefault("384KiB")
      .meta({ description: "Compressed bytes of a partition in one fetch. More is faster and takes more memory." }),
    log: z
      .strictObject({
        level: z
          .enum(["debug", "info", "warn", "error"])
          .default("info")
          .meta({ description: "The least important lines that are written." }),
        format: z.enum(["text", "json"]).default("text").meta({ description: "text: for people. json: for machines." }),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const topics = config.topics.length > 0 ? "topics" : config.topicPattern === undefined ? undefined : "topicPattern";
    if (config.kafka === undefined && topics !== undefined) {
      const message = "no brokers to read them from: write kafka.brokers, or set KAFKA_BROKERS";
      context.addIssue({ code: "custom", path: [topics], message });
    }
    if (config.kafka !== undefined && topics === undefined) {
      context.addIssue({ code: "custom", path: ["topics"], message: "no topics: name some, or give a topicPattern" });
    }
    if (config.kafka === undefined && config.heartbeats !== undefined) {
      const message = "no brokers to read them from: write kafka.brokers, or set KAFKA_BROKERS";
      context.addIssue({ code: "custom", path: ["heartbeats"], message });
    }
    if ((config.relay?.agents.length ?? 0) > 0 && config.apiKey === undefined && config.apiKeys.length === 0) {
      const message = "binds nobody: there are no keys; name the gateways' keys in apiKeys";
      context.addIssue({ code: "custom", path: ["relay", "agents"], message });
    }
    if (config.apiKey === undefined && config.apiKeys.length === 0 && !isLoopback(parseAddress(config.listen))) {
      const message = `${config.listen} can be reached from other machines: set an apiKey, or listen on 127.0.0.1`;
      context.addIssue({ code: "custom", path: ["listen"], message });
    }
    if (config.apiKey !== undefined && config.apiKey.length < 16) {
      context.addIssue({ code: "custom", path: ["apiKey"], message: "the key is too short: 16 characters or more" });
    }
    if (config.apiKey !== undefined && !/^[\x21-\x7e]*$/.test(config.apiKey)) {
      const message = "no client can send this key: only visible ASCII characters, and no blanks";
      context.addIssue({ code: "custom", path: ["apiKey"], message });
    }
    if (config.lake !== undefined && config.kafka === undefined) {
      const message = "no brokers to fill it from: write kafka.brokers, or set KAFKA_BROKERS";
      context.addIssue({ code: "custom", path: ["lake"], message });
    }
    const { webhook, topic } = config.alerts;
    if (topic !== undefined && config.kafka === undefined) {
      const message = "no brokers to write it to: write kafka.brokers, or set KAFKA_BROKERS";
      context.addIssue({ code: "custom", path: ["alerts", "topic"], message });
    }
    if (config.rulesFile === undefined && (webhook ?? topic) !== undefined) {
      const message = "nothing raises alerts: name a rulesFile";
      context.addIssue({ code: "custom", path: ["alerts"], message });
    }
    const names = config.apiKeys.map(({ name }) => name);
    const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (twice >= 0) {
      const message = `two keys are called "${names[twice]}"`;
      context.addIssue({ code: "custom", path: ["apiKeys", twice, "name"], message });
    }
  });

/** A valid config. */
export type CentralConfig = z.output<typeof CentralConfig>;
