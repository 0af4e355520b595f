import { asMs, asNumber, asSeconds, asText, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";

const protocols = "the runtime's own protocols and ciphers are used";

const thrift: FlumeMapping = {
  names: ["thrift", "org.apache.flume.sink.ThriftSink"],
  keys: {
    hostname: { to: "hostname", as: asText },
    port: { to: "port", as: asNumber },
    "batch-size": { to: "batchSize", as: asNumber },
    "connect-timeout": { to: "connectTimeout", as: asMs },
    "request-timeout": { to: "requestTimeout", as: asMs },
    "reset-connection-interval": { by: "`resetConnectionInterval`; 0 is never" },
    protocol: {
      to: "protocol",
      as: ({ text }) => ({ ok: true, value: text === "binary" ? "binary" : "compact" }),
      note: "`binary`, or anything else for `compact`, as in Flume",
    },
    "compression-type": { nothing: "Flume's Thrift is not compressed, whatever it says" },
    "compression-level": { nothing: "Flume's Thrift is not compressed, whatever it says" },
    maxConnections: { nothing: "one connection carries all, as in Flume" },
    kerberos: { refused: "Kerberos is not carried", unless: ["false"] },
    "client-principal": { nothing: "without `kerberos` it means nothing to Flume either" },
    "client-keytab": { nothing: "without `kerberos` it means nothing to Flume either" },
    "server-principal": { nothing: "without `kerberos` it means nothing to Flume either" },
    ssl: { by: "`tls`" },
    "trust-all-certs": { refused: "a certificate is always checked: name who signed it", unless: ["false"] },
    truststore: { by: "`tls.ca`" },
    "truststore-password": { by: "`tls.ca`" },
    "truststore-type": { by: "`tls.ca`" },
    "exclude-protocols": { nothing: protocols },
    "include-protocols": { nothing: protocols },
    "exclude-cipher-suites": { nothing: protocols },
    "include-cipher-suites": { nothing: protocols },
  },
  differences: [
    "A record's key travels as the header `key`, the identity as the header that the record has.",
    "A batch that the other side answers with FAILED is tried in halves.",
  ],
  finish: (draft: FlumeDraft) => {
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
  },
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [thrift];
