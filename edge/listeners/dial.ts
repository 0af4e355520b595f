import { withDeadline } from "../../shared/async/deadline.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";
import { Connection } from "./connection.ts";
import { HeldBytes } from "./held-bytes.ts";

/** Whom to reach, and how. */
export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: DialTls | undefined;
  readonly withinMs: number;
  /** Bytes that are held before they are understood. */
  readonly heldBytesMax: number;
}

/** Who the other side must be, and who we are. */
export interface DialTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly serverName?: string | undefined;
  readonly verify: boolean;
}

/** Connects to a server: a connection as a listener hands it out. @throws AppError `EDGE_SERVER_AWAY`. */
export async function dial(options: DialOptions): Promise<Connection> {
  const { host, port, tls, withinMs, heldBytesMax } = options;
  const away = (why: string, cause?: unknown) =>
    new AppError(codes.EDGE_SERVER_AWAY, `connect to ${host}:${port}: ${why}`, cause === undefined ? {} : { cause });
  const connections = new Set<Connection>();
  const held = new HeldBytes<Connection>(heldBytesMax, connections, (largest) => largest.destroy());
  let settle: (error: Error | undefined) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    settle = (error) => (error === undefined ? resolve() : reject(error));
  });
  let connection: Connection | undefined;
  const connecting = Bun.connect<Connection | undefined>({
    hostname: host,
    port,
    allowHalfOpen: false,
    ...(tls === undefined ? {} : { tls: tlsOptions(tls, host) }),
    socket: {
      open: (socket) => {
        connection = new Connection(socket, held, tls !== undefined, () => connections.clear());
        connections.add(connection);
        socket.data = connection;
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 60_000);
        if (tls === undefined) settle(undefined);
      },
      handshake: (socket, success, error) => {
        if (!success || (tls?.verify === true && !socket.authorized)) {
          socket.terminate();
          settle(away(error === null ? "TLS was refused" : `TLS: ${error.message}`));
          return;
        }
        socket.data?.onSecure(undefined);
        settle(undefined);
      },
      data: (socket, chunk) => socket.data?.onData(chunk),
      end: (socket) => socket.data?.onEnd(),
      drain: (socket) => socket.data?.onDrain(),
      close: (socket) => {
        socket.data?.onClose();
        settle(away("the connection was closed"));
      },
      error: (_socket, error) => settle(away(error.message, error)),
      connectError: (_socket, error) => settle(away(error.message, error)),
    },
  });
  connecting.catch((error: unknown) => settle(away("refused", error)));
  try {
    await withDeadline(ready, withinMs, () => away(`no answer in ${withinMs} ms`));
  } catch (error) {
    connection?.destroy();
    throw error;
  }
  if (connection === undefined) throw away("it was closed at once");
  return connection;
}

function tlsOptions({ ca, cert, key, passphrase, serverName, verify }: DialTls, host: string): Bun.TLSOptions {
  return {
    rejectUnauthorized: verify,
    serverName: serverName ?? host,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}
