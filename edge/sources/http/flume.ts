import type { FlumeDraft, FlumeMapping } from "../../core/flume-mapping.ts";
import { listensOn, securedBy } from "../../listeners/flume-listener.ts";

const jetty = "it tunes Java's HTTP server";
const jsonHandler = "org.apache.flume.source.http.jsonhandler";

const http: FlumeMapping = {
  names: ["http", "org.apache.flume.source.http.HTTPSource"],
  keys: {
    bind: { by: "`address`" },
    port: { by: "`address`" },
    handler: { by: "`format`: JSONHandler is `flume_json`, BlobHandler is `blob`; a class of your own is refused" },
    "handler.maxBlobLength": { nothing: "`bodyBytesMax` bounds a body" },
    "handler.*": { nothing: "JSONHandler has no settings" },
    ssl: { by: "`tls`" },
    enableSSL: { by: "`tls`" },
    keystore: { by: "`tls`" },
    "keystore-password": { by: "`tls`" },
    keystorePassword: { by: "`tls`" },
    "keystore-type": { by: "`tls`" },
    excludeProtocols: { nothing: "the runtime's own protocols and ciphers are used" },
    "exclude-protocols": { nothing: "the runtime's own protocols and ciphers are used" },
    "include-protocols": { nothing: "the runtime's own protocols and ciphers are used" },
    "exclude-cipher-suites": { nothing: "the runtime's own protocols and ciphers are used" },
    "include-cipher-suites": { nothing: "the runtime's own protocols and ciphers are used" },
    "QueuedThreadPool.*": { nothing: jetty },
    "HttpConfiguration.*": { nothing: jetty },
    "SslContextFactory.*": { nothing: jetty },
    "ServerConnector.*": { nothing: jetty },
  },
  differences: [
    "200 is answered when the events are durable, 503 when the channel has no room in time.",
    "Bodies are UTF-8, also where a request names no charset, which Flume takes for Latin-1; Flume takes UTF-16 and UTF-32, too.",
  ],
  headers: () => undefined,
  finish: (draft: FlumeDraft) => {
    listensOn(draft);
    securedBy(draft, draft.value("ssl") === undefined ? "enableSSL" : "ssl");
    const handler = draft.value("handler")?.text.toLowerCase() ?? jsonHandler;
    if (handler.endsWith(".blobhandler")) {
      draft.set("format", "blob", "handler");
      draft.set("queryHeaders", true);
    } else if (handler !== jsonHandler) {
      draft.refuse("handler", "a handler of your own is Java", "send Flume's JSON, JSON lines, or plain lines");
    }
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [http];
