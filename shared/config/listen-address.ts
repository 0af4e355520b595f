import { z } from "zod";
import { formatAddress, isLoopback, readAddress } from "./address.ts";

/** Where a listener can be reached: a port of this machine, or a socket in the file system. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** A Unix socket's path has 107 bytes and a NUL (sun_path of unix(7)). */
const unixPathBytesMax = 107;

/** A config field: `host:port`, or the absolute path of a Unix socket. Port 0 is any free port. */
export function listenAddress() {
  return z
    .string({ error: 'not an address: write "host:port" or the path of a Unix socket' })
    .transform((written, context): ListenAddress => {
      const address = parseListenAddress(written);
      if (typeof address !== "string") return address;
      context.addIssue({ code: "custom", message: address });
      return z.NEVER;
    })
    .meta({ format: "listen-address" });
}

/** The same for sources that take datagrams or several ports: `host:port` alone. */
export function portAddress() {
  return listenAddress().refine((address) => address.kind === "tcp", {
    error: 'not an address: write "host:port"',
  });
}

/** The address, or what is wrong with it. */
export function parseListenAddress(written: string): ListenAddress | string {
  if (written.startsWith("/")) {
    if (Buffer.byteLength(written) <= unixPathBytesMax) return { kind: "unix", path: written };
    return `the path of a Unix socket has at most ${unixPathBytesMax} bytes; "${written}" has ${Buffer.byteLength(written)}`;
  }
  const address = readAddress(written);
  if (address !== undefined) return { kind: "tcp", ...address };
  return `"${written}" is not an address: write "host:port", as in "127.0.0.1:5140" or "[::1]:5140", or the absolute path of a Unix socket`;
}

/** As the config writes it. */
export function showAddress(address: ListenAddress): string {
  return address.kind === "unix" ? address.path : formatAddress(address);
}

/** Whether only this machine can reach it. */
export function isLocal(address: ListenAddress): boolean {
  return address.kind === "unix" || isLoopback(address);
}
