import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { duration } from "../../shared/config/duration.ts";
import { keyPairMistake } from "../../shared/config/key-pair.ts";
import { path } from "../../shared/config/path.ts";
import { readSecret, secret } from "../../shared/config/secret.ts";
import { scopes } from "./api-key.ts";
import { agentVehicles, signatures, topicAgents } from "./senders.ts";

/** A path, or `scheme://…` as it is. */
function storeAddress() {
  return z.union([z.string().regex(/^[a-z][a-z0-9+]*:\/\//), path()]);
}

/** Path of a PEM file that is there. */
function pemFile() {
  return path().superRefine((file, context) => {
    const read = readSecret(file);
    if (read.ok && read.text.includes("-----BEGIN")) return;
    context.addIssue({ code: "custom", message: read.ok ? `${file} is not a PEM file` : read.message });
  });
}

const Tls = z
  .strictObject({
    ca: pemFile().optional().meta({ description: "PEM file: who signed the brokers' certificates." }),
    cert: pemFile().optional().meta({ description: "PEM file: our own certificate, for mutual TLS." }),
    key: pemFile().optional().meta({ description: "PEM file: our own key." }),
    passphrase: secret().optional().meta({ description: "Of the key.", secret: true }),
    serverName: z.string().optional().meta({ description: "The name in the certificates, when it is not the host's." }),
    verify: z.boolean().default(true).meta({ description: "false only for tests: anybody can then play the broker." }),
  })
  .superRefine(({ cert, key, passphrase }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: "custom", path: [field], message });
    if (cert === undefined && key === undefined) return;
    if (cert === undefined || key === undefined) {
      return refuse(cert === undefined ? "cert" : "key", "missing: cert and key go together");
    }
    const [certText, keyText] = [readSecret(cert), readSecret(key)];
    if (!certText.ok || !keyText.ok) return;
    const mistake = keyPairMistake({ cert: certText.text, key: keyText.text, passphrase });
    if (mistake !== undefined) refuse(mistake.field, mistake.message);
  })
  .meta({ description: "An empty object: TLS with the system's list of authorities." });

const Sasl = z.strictObject({
  mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).meta({ description: "How to log in." }),
  username: z.string().min(1).meta({ description: "Kafka user." }),
  password: secret().meta({ description: "Its password, or { file: path }; KAFKA_SASL_PASSWORD_FILE.", secret: true }),
});

/** A key that others hold; the config has only its hash, which nobody can ask with. */
const NamedKey = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "a name of letters, digits, dot, dash and underscore")
    .meta({
      description: "For the log.",
    }),
  sha256: secret()
    .refine((text) => /^[\da-f]{64}$/i.test(text), "not a SHA-256: 64 hexadecimal digits (printf %s KEY | sha256sum)")
    .meta({ description: "SHA-256 of the key in hexadecimal, or `{ file: path }`." }),
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .default(["read", "metrics"])
    .meta({ description: "What it is good for: read, metrics, operate." }),
});

const hostPort = z.string().regex(/^(\[[\da-fA-F:]+\]|[^\s:]+):\d{1,5}$/, 'write host:port, as in "127.0.0.1:9092"');

/** What central can be told; one declaration for validation, types and `--help`. */
export const CentralConfig = z
  .strictObject({
    kafka: z.strictObject({
      brokers: z
        .array(hostPort, "no brokers: write a list of host:port, or set KAFKA_BROKERS")
        .min(1, "no brokers: at least one host:port")
        .meta({ description: "Brokers to begin with, host:port." }),
      clientId: z.string().min(1).default("tailgate-central").meta({ description: "Name in the brokers' logs." }),
      tls: Tls.optional(),
      sasl: Sasl.optional(),
    }),
    topics: z
      .array(z.string().regex(/^[\w.-]{1,249}$/, "not a topic's name: letters, digits, dot, dash, underscore"))
      .default([])
      .meta({ description: "Topics to store. They may come into being later." }),
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
      .meta({ description: "Regular expression; new topics that match are found by themselves." }),
    topicAgents: topicAgents(),
    agentVehicles: agentVehicles(),
    signatures: signatures(),
    group: z.string().min(1).max(200).default("tailgate-central").meta({ description: "Consumer group." }),
    store: storeAddress().prefault("tailgate-central.db").meta({ description: "SQLite file." }),
    listen: hostPort
      .default("127.0.0.1:8080")
      .meta({ description: "HTTP address. Elsewhere than loopback needs apiKey." }),
    apiKey: secret().optional().meta({
      description: "One key for everything, asked for as `Authorization: Bearer …`; `{ file: path }`.",
      secret: true,
    }),
    apiKeys: z.array(NamedKey).default([]).meta({ description: "More keys: name, sha256 and scopes of each." }),
    allowedHosts: z
      .array(z.string().regex(/^[\w.-]{1,253}$/, "not a host name"))
      .default([])
      .meta({
        description:
          "Names that central is asked by, beside addresses, localhost and this machine's name. Without keys, or when given, all others are refused.",
      }),
    sessionTimeout: duration({ min: 1_000, max: 300_000 })
      .prefault("6s")
      .meta({ description: "How long a dead instance holds its partitions. The broker's minimum is 6 s by default." }),
    fetchBytes: byteSize({ min: 64 * 1024, max: 16 * 1024 * 1024 })
      .prefault("384KiB")
      .meta({ description: "Compressed bytes of a partition per fetch: more is faster and takes more memory." }),
    log: z
      .strictObject({
        level: z.enum(["debug", "info", "warn", "error"]).default("info").meta({ description: "What is written." }),
        format: z.enum(["text", "json"]).default("text").meta({ description: "For people or for machines." }),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    if (config.topics.length === 0 && config.topicPattern === undefined) {
      context.addIssue({ code: "custom", path: ["topics"], message: "no topics: name some, or give a topicPattern" });
    }
    if (config.apiKey === undefined && config.apiKeys.length === 0 && !isLoopback(config.listen)) {
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
    const names = config.apiKeys.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      context.addIssue({ code: "custom", path: ["apiKeys"], message: `two keys are called "${twice}"` });
    }
  });

/** A valid config. */
export type CentralConfig = z.output<typeof CentralConfig>;

/** Whether only this machine can reach the address. */
export function isLoopback(listen: string): boolean {
  const { host } = splitAddress(listen);
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** `host:port`, brackets of an IPv6 address taken off. */
export function splitAddress(listen: string): { readonly host: string; readonly port: number } {
  const colon = listen.lastIndexOf(":");
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(listen.slice(colon + 1)) };
}
