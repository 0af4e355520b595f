/** A server that is connected to, whatever is then spoken: Avro, Thrift, syslog, MQTT. */
import { isIP, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";

/** Where to, and how long to wait. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  readonly tls?:
    | {
        readonly ca?: string | undefined;
        readonly cert?: string | undefined;
        readonly key?: string | undefined;
        readonly passphrase?: string | undefined;
        readonly serverName?: string | undefined;
      }
    | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** The connection is gone, or was never there: whether requests were taken is not known. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** For `tls.connect`, beside what it connects over. */
export function tlsOptions({ host, tls = {} }: Pick<Peer, "host" | "tls">): ConnectionOptions {
  // An address is no name of a server (RFC 6066): it is compared with the certificate all the same, as the host.
  const { ca, cert, key, passphrase, serverName = isIP(host) === 0 ? host : undefined } = tls;
  return {
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

/**
 * Until a socket that was just made stands. Whatever ends it, then or later, is told to `cut`, which destroys it and answers with what
 * ended the connection first.
 *
 * @throws ConnectionLost when it does not stand in time, or the signal aborts.
 */
export function untilConnected(
  socket: Socket,
  { host, port, tls, connectTimeoutMs }: Peer,
  signal: AbortSignal,
  cut: (error: ConnectionLost) => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = () => cut(new ConnectionLost(`connect to ${host}:${port}: given up`));
    const late = () => cut(new ConnectionLost(`connect to ${host}:${port}: no answer in time`));
    const timer = setTimeout(late, connectTimeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", give);
    };
    socket.once(tls === undefined ? "connect" : "secureConnect", () => {
      settle();
      resolve();
    });
    socket.on("close", () => {
      settle();
      reject(cut(new ConnectionLost("the connection was ended by the other side")));
    });
    socket.on("error", (error) => cut(new ConnectionLost(error.message)));
    if (signal.aborted) give();
    else signal.addEventListener("abort", give, { once: true });
  });
}
