import { hc } from "hono/client";
import type { CentralApi } from "./app.ts";

/**
 * A client of the API whose types come from its routes: parameters, answers and problems.
 *
 *     const central = createClient("http://127.0.0.1:8080", { key });
 *     const answer = await central.api.v1.vehicles.$get({ query: { limit: "10" } });
 *     if (answer.ok) for (const { vehicle } of (await answer.json()).vehicles) …
 */
export function createClient(url: string, options: { readonly key?: string; readonly fetch?: typeof fetch } = {}) {
  const { key, fetch: send } = options;
  return hc<CentralApi>(url, {
    headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    ...(send === undefined ? {} : { fetch: send }),
  });
}
