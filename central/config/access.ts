/** Who may ask, out of the config. */

import { createHash } from "node:crypto";
import { ourHosts } from "../../shared/http/our-host.ts";
import { type ApiKey, scopes } from "./api-key.ts";
import type { CentralConfig } from "./schema.ts";

/** All keys; empty: everybody may ask, which the config allows on loopback only. */
export function apiKeys({ apiKey, apiKeys: named }: CentralConfig): readonly ApiKey[] {
  if (apiKey === undefined) return named;
  const sha256 = createHash("sha256").update(apiKey).digest("hex");
  return [{ name: "apiKey", sha256, scopes }, ...named];
}

/**
 * Whether a request for a host is meant for us. With keys a page from elsewhere has nothing to gain from a rebound name:
 * the browser does not send the key by itself. So names are then checked only when the config lists some.
 */
export function isOurHost(config: CentralConfig): (host: string | undefined) => boolean {
  const { allowedHosts } = config;
  if (allowedHosts.length === 0 && apiKeys(config).length > 0) return () => true;
  return ourHosts(allowedHosts);
}
