import { z } from "zod";

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/;

/** `host:port`, an IPv6 host in brackets; undefined when it is none. */
export function readAddress(written: string): Address | undefined {
  const match = pattern.exec(written);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** `host:port` that was read before: from a checked config, or from a broker. */
export function parseAddress(text: string): Address {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(text.slice(colon + 1)) };
}

/** As `readAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can reach it. */
export function isLoopback({ host }: Pick<Address, "host">): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** A config field: `host:port`. Port 0 is any free port. */
export function address(example: string) {
  return z.string({ error: 'not an address: write "host:port"' }).transform((written, context) => {
    const read = readAddress(written);
    if (read !== undefined) return read;
    const message = `"${written}" is not an address: write "host:port", as in "${example}"`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}
