import {
  asMs,
  asNumber,
  asSeconds,
  asText,
  asWord,
  type FlumeDraft,
  type FlumeMapping,
} from "../../core/flume-mapping.ts";

const protocols = "the runtime's own protocols and ciphers are used";

const avro: FlumeMapping = {
  names: ["avro", "org.apache.flume.sink.AvroSink"],
  keys: {
    hostname: { to: "hostname", as: asText },
    port: { to: "port", as: asNumber },
    "batch-size": { to: "batchSize", as: asNumber },
    "connect-timeout": { to: "connectTimeout", as: asMs },
    "request-timeout": { to: "requestTimeout", as: asMs },
    "reset-connection-interval": { by: "`resetConnectionInterval`; 0 is never" },
    "compression-type": { to: "compression", as: asWord({ none: "none", deflate: "deflate" }) },
    "compression-level": { nothing: "zlib's own level is used" },
    maxIoWorkers: { nothing: "one thread serves all" },
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
export const mappings: readonly FlumeMapping[] = [avro];
