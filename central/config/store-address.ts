/** The store's address with its password, for whoever opens it, and without, for everybody else. */
import type { CentralConfig } from "./schema.ts";

/** What the kinds of store are given: `store`, with `storePassword` in it where the address has none. */
export function storeAddress({ store, storePassword }: Pick<CentralConfig, "store" | "storePassword">): string {
  if (storePassword === undefined || !URL.canParse(store)) return store;
  const url = new URL(store);
  if (url.password !== "") return store;
  // Not by the property: it leaves some characters alone that readers of addresses take for separators.
  const at = store.indexOf("@");
  if (at < 0 || url.username === "") return store;
  return `${store.slice(0, at)}:${encodeURIComponent(storePassword)}${store.slice(at)}`;
}

/** For logs and status: what may hold a password is hidden. */
export function shownAddress(address: string): string {
  const scheme = /^[a-z][a-z0-9+]*:\/\//.exec(address)?.[0];
  if (scheme === undefined) return address;
  const end = address.indexOf("/", scheme.length);
  const host = address.slice(scheme.length, end < 0 ? undefined : end);
  const path = end < 0 ? "" : address.slice(end);
  const shownHost = host.replace(/:.*@/, ":***@");
  const shownPath = path.replaceAll(/([?&][^=&]*(?:pass|password|key|secret|token)[^=&]*=)[^&]*/gi, "$1***");
  return `${scheme}${shownHost}${shownPath}`;
}
