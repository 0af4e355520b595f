/**
 * TLS whose TCP connection stays in our hands. The socket that `tls.connect` makes by itself is gone as soon as the server has ended, and
 * with it what the kernel knew of the connection; this one can still be asked about then.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/**
 * Speaks TLS over a TCP connection that is being made, or stands. Faults of TCP end the TLS socket, with their error. The end of the TLS
 * socket is its notice of the end (RFC 8446, 6.1); TCP is neither ended nor destroyed by it: that is for the caller.
 */
export function tlsOver(tcp: Socket, options: ConnectionOptions & { readonly host: string }): TLSSocket {
  const carrier = new Duplex({
    read: () => void tcp.resume(),
    write: (bytes: Buffer, _encoding, done) => void tcp.write(bytes, done),
  });
  tcp.on("data", (bytes) => {
    if (!carrier.push(bytes)) tcp.pause();
  });
  tcp.once("end", () => carrier.push(null));
  tcp.on("error", (error) => carrier.destroy(error));
  return connect({ ...options, socket: carrier });
}
