/**
 * Whether a request was meant for this server: a check of its `Host` against DNS rebinding. A page from elsewhere whose
 * name is made to point to 127.0.0.1 reads a local server as its own origin; what gives it away is the name in `Host`.
 * An address is never a rebound name, so every address is ours.
 */
import { hostname } from "node:os";

/** Who may be meant, beside addresses, `localhost` and this machine's own name. */
export function ourHosts(allowed: readonly string[]): (host: string | undefined) => boolean {
  const own = hostname().toLowerCase();
  const names = new Set(["localhost", own, own.split(".", 1)[0] ?? own, ...allowed.map((name) => name.toLowerCase())]);
  return (host) => {
    // HTTP/1.0 has none; a browser always sends one.
    if (host === undefined) return true;
    const name = withoutPort(host.toLowerCase()).replace(/\.$/, "");
    return names.has(name) || name.endsWith(".localhost") || isAddress(name);
  };
}

function withoutPort(host: string): string {
  return host.startsWith("[") ? host.slice(0, host.indexOf("]") + 1) : host.replace(/:\d*$/, "");
}

function isAddress(name: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(name) || /^\[[\da-f:.]+\]$/.test(name);
}
