/** What Flume's sinks that speak its RPC (Avro, Thrift) say alike in a flume.conf: whom to reach, how often anew, and TLS. */
import { asMs, asNumber, asSeconds, asText, type FlumeDraft, type FlumeKey } from "../core/flume-mapping.ts";

const protocols = "the runtime's own protocols and ciphers are used";

/** Whom to reach, and with how much at once. */
export const peerKeys = {
  hostname: { to: "hostname", as: asText },
  port: { to: "port", as: asNumber },
  "batch-size": { to: "batchSize", as: asNumber },
  "connect-timeout": { to: "connectTimeout", as: asMs },
  "request-timeout": { to: "requestTimeout", as: asMs },
  "reset-connection-interval": { by: "`resetConnectionInterval`; 0 is never" },
} satisfies Readonly<Record<string, FlumeKey>>;

/** Whose certificate is believed. */
export const peerTlsKeys = {
  ssl: { by: "`tls`" },
  "trust-all-certs": { refused: "a certificate is always checked: name who signed it", unless: ["false"] },
  truststore: { by: "`tls.ca`" },
  "truststore-password": { by: "`tls.ca`" },
  "truststore-type": { by: "`tls.ca`" },
  "exclude-protocols": { nothing: protocols },
  "include-protocols": { nothing: protocols },
  "exclude-cipher-suites": { nothing: protocols },
  "include-cipher-suites": { nothing: protocols },
} satisfies Readonly<Record<string, FlumeKey>>;

/** What is not as in Flume. */
export const peerDifferences = [
  "A record's key travels as the header `key`, the identity as the header that the record has.",
  "A batch that the other side answers with FAILED is tried in halves.",
];

/** What single keys cannot say. */
export function finishPeer(draft: FlumeDraft): void {
  const reset = draft.value("reset-connection-interval");
  const reading = reset === undefined ? undefined : asSeconds(reset);
  if (reading?.ok === true && reset?.text !== "0")
    draft.set("resetConnectionInterval", reading.value, "reset-connection-interval");
  if (draft.value("ssl")?.text.toLowerCase() !== "true") return;
  draft.set("tls", {}, "ssl");
  const store = draft.value("truststore");
  if (store === undefined) return;
  if (draft.value("truststore-type")?.text.toUpperCase() === "PEM") {
    draft.set("tls.ca", { file: draft.path(store.written) }, "truststore");
    return;
  }
  const hint = "make a PEM file of it with keytool and openssl, and set `tls.ca` in a config of ours";
  draft.refuse("truststore", "a Java key store is not read here", hint);
}
