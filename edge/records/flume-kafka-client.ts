/** What Flume's Kafka components say of a client alike: brokers, encryption and authentication, how a consumer reads. */
import { asCommas, asWord, type FlumeDraft, type FlumeKey } from "../core/flume-mapping.ts";

/** Where the keys of the Java client stand. */
export type ClientPrefix = "kafka.producer." | "kafka.consumer.";

/** The keys that `securedClient` reads, and those of the Java client beside them. */
export function clientSecurityKeys(prefix: ClientPrefix): Readonly<Record<string, FlumeKey>> {
  return {
    [`${prefix}security.protocol`]: { by: "`tls` and `sasl`" },
    [`${prefix}sasl.mechanism`]: { by: "`sasl`" },
    [`${prefix}sasl.jaas.config`]: { by: "`sasl`" },
    [`${prefix}sasl.kerberos.service.name`]: { refused: "Kerberos is not carried" },
    [`${prefix}ssl.truststore.*`]: { by: "`tls.ca`" },
    [`${prefix}ssl.keystore.*`]: { by: "`tls.cert` and `tls.key`" },
    [`${prefix}ssl.key.password`]: { by: "`tls.passphrase`" },
    [`${prefix}ssl.endpoint.identification.algorithm`]: {
      refused: "a name that is not checked is `tls.verify: false`",
      unless: ["https"],
    },
    [`${prefix}ssl.disableTLSHostnameVerification`]: {
      refused: "a name that is not checked is `tls.verify: false`",
      unless: ["false"],
    },
    [`${prefix}ssl.*`]: { nothing: "the runtime's own protocols and ciphers are used" },
  };
}

/** Keys and bodies are bytes here, so Java's classes for texts and bytes change nothing. */
export function asBytes(kind: "Serializer" | "Deserializer", refused = "keys and bodies are bytes here"): FlumeKey {
  const unless = ["String", "ByteArray"].map((what) => `org.apache.kafka.common.serialization.${what}${kind}`);
  return { refused, unless };
}

/** What a Java consumer is told of how it reads. */
export function consumerKeys(): Readonly<Record<string, FlumeKey>> {
  return {
    "kafka.consumer.auto.offset.reset": { to: "start", as: asWord({ earliest: "beginning", latest: "end" }) },
    "kafka.consumer.key.deserializer": asBytes("Deserializer"),
    "kafka.consumer.value.deserializer": asBytes("Deserializer"),
    "kafka.consumer.interceptor.classes": { refused: "no Java runs here" },
    "kafka.consumer.isolation.level": {
      refused: "what a transaction has not committed is never read here",
      unless: ["read_committed"],
    },
    ...clientSecurityKeys("kafka.consumer."),
    "kafka.consumer.*": { nothing: "it tunes the Java client" },
  };
}

/** The brokers by their old key, where the new one is not given. */
export function oldBrokers(draft: FlumeDraft): void {
  const brokers = draft.value("brokerList");
  if (brokers === undefined || draft.get("brokers") !== undefined) return;
  const list = asCommas(brokers);
  if (list.ok) draft.set("brokers", list.value, "brokerList");
}

/** What is written under the newer of two keys, or else under the older one, becomes `to`. */
export function setEither(draft: FlumeDraft, to: string, newer: string, older: string): void {
  const key = draft.value(newer) === undefined ? older : newer;
  const value = draft.value(key);
  if (value !== undefined) draft.set(to, value.written, key);
}

/** `security.protocol` and what it needs. Java key stores are refused: PEM files are read. */
export function securedClient(draft: FlumeDraft, prefix: ClientPrefix): void {
  const protocol = draft.value(`${prefix}security.protocol`)?.text.toUpperCase() ?? "PLAINTEXT";
  if (protocol.endsWith("SSL")) tls(draft, prefix);
  if (protocol.startsWith("SASL_")) sasl(draft, prefix);
}

function tls(draft: FlumeDraft, prefix: ClientPrefix): void {
  draft.set("tls", {}, `${prefix}security.protocol`);
  store(draft, `${prefix}ssl.truststore`, "tls.ca");
  store(draft, `${prefix}ssl.keystore`, "tls.cert");
  if (draft.get("tls.cert") !== undefined) draft.set("tls.key", draft.get("tls.cert"));
  const password = draft.value(`${prefix}ssl.key.password`);
  if (password !== undefined) draft.set("tls.passphrase", password.written, `${prefix}ssl.key.password`);
}

function store(draft: FlumeDraft, which: string, to: string): void {
  const key = `${which}.location`;
  const location = draft.value(key);
  if (location === undefined) return;
  const type = draft.value(`${which}.type`)?.text.toUpperCase() ?? "JKS";
  if (type === "PEM") {
    draft.set(to, { file: draft.path(location.written) }, key);
    return;
  }
  draft.refuse(
    key,
    "a Java key store is not read here",
    `make PEM of it, with keytool and openssl, and say ${which}.type = PEM`,
  );
}

function sasl(draft: FlumeDraft, prefix: ClientPrefix): void {
  const mechanism = draft.value(`${prefix}sasl.mechanism`)?.text ?? "GSSAPI";
  if (!["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].includes(mechanism.toUpperCase())) {
    draft.refuse(`${prefix}sasl.mechanism`, `"${mechanism}" is not carried`, "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512");
    return;
  }
  const jaas = draft.value(`${prefix}sasl.jaas.config`)?.written ?? "";
  const [, username] = /\busername\s*=\s*"([^"]*)"/.exec(jaas) ?? [];
  const [, password] = /\bpassword\s*=\s*"([^"]*)"/.exec(jaas) ?? [];
  if (username === undefined || password === undefined) {
    const hint = "Flume may have them in a JAAS file of Java's: write its sasl.jaas.config";
    draft.refuse(`${prefix}sasl.jaas.config`, "no username and password", hint);
    return;
  }
  draft.set("sasl", { mechanism: mechanism.toLowerCase(), username, password }, `${prefix}sasl.jaas.config`);
}
