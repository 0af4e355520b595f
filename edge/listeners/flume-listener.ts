/** What all of Flume's sources that listen say alike: where, and with which certificate. */
import type { FlumeDraft, FlumeKey } from "../core/flume-mapping.ts";

const protocols = "the runtime's own protocols and ciphers are used";

/** With `ssl`: see `securedBy`. */
export const securedKeys = {
  ssl: { by: "`tls`" },
  keystore: { by: "`tls.cert` and `tls.key`" },
  "keystore-password": { by: "`tls`" },
  "keystore-type": { by: "`tls`" },
  "exclude-protocols": { nothing: protocols },
  "include-protocols": { nothing: protocols },
  "exclude-cipher-suites": { nothing: protocols },
  "include-cipher-suites": { nothing: protocols },
} satisfies Readonly<Record<string, FlumeKey>>;

/** `bind` and `port`, or other names of theirs. */
export function listensOn(draft: FlumeDraft, bind = "bind", port = "port"): void {
  const host = draft.value(bind);
  const number = draft.value(port);
  if (number === undefined) draft.refuse(undefined, `has no \`${port}\`; Flume does not start it`);
  const written = host?.written ?? "0.0.0.0";
  const address = written.includes(":") && !written.startsWith("[") ? `[${written}]` : written;
  draft.set("address", `${address}:${number?.written ?? ""}`, port);
}

/** `ssl` and a key store: here two PEM files. */
export function securedBy(draft: FlumeDraft, ssl = "ssl"): void {
  if (draft.value(ssl)?.text.toLowerCase() !== "true") return;
  const store = draft.value("keystore");
  if (store === undefined) {
    draft.refuse(ssl, "has no `keystore`: Java's own default is not read here", "name the key store");
    return;
  }
  const hint = "make two PEM files of it with keytool and openssl, and set `tls` in a config of ours";
  draft.refuse("keystore", "a Java key store is not read here", hint);
}
