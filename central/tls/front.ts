/**
 * TLS in front of the HTTP server, which itself speaks plainly on a port of loopback that it answers nobody else on.
 *
 *     client ══TLS══▶ front ──loopback──▶ HTTP server
 *                       └ port of this side ──▶ whose certificate
 *
 * Why not the server's own TLS: it does not tell a request's client certificate, and cannot take another certificate of its
 * own while it runs. Here both are a line: the server asks `callerAt(port)` for each request, and `renew` listens anew, which
 * open connections do not notice.
 *
 * The oldest version is TLS 1.2: the runtime's library refuses what is older, whatever is set.
 */
import { parseAddress } from "../../shared/config/address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Caller } from "../api/caller.ts";
import { codes } from "../codes.ts";
import type { Certificate } from "../config/certificate.ts";
import { Joined } from "./joined.ts";
import { signals } from "./telemetry.ts";

/** What the front stands on. */
export interface FrontOptions {
  /** `host:port`. */
  readonly listen: string;
  readonly certificate: Certificate;
  /** Of the HTTP server, on 127.0.0.1. */
  readonly innerPort: number;
  readonly report: Report;
}

/** A client that does not come to an end with its handshake holds a descriptor for so long. */
const handshakeSeconds = 10;
/** What the HTTP server understands, each with its length before it, as ALPN wants it. */
const spokenProtocols = Buffer.from("\x02h2\x08http/1.1");
/** As for the name of an API key, in whose place it stands. */
const nameWords = /^[\w.-]{1,64}$/;

type Outer = Bun.Socket<Joined | undefined>;

export class TlsFront {
  private readonly callers = new Map<number, Caller>();
  private readonly open = new Set<Joined>();
  private listener: Bun.TCPSocketListener<Joined | undefined>;
  private readonly address: { readonly host: string; readonly port: number };

  /** @throws AppError `CENTRAL_ADDRESS_IN_USE`. */
  constructor(private readonly options: FrontOptions) {
    const { host, port } = parseAddress(options.listen);
    this.address = { host, port };
    this.listener = this.listenWith(options.certificate);
    this.address = { host, port: this.listener.port };
  }

  get url(): string {
    const { host, port } = this.address;
    return `https://${host.includes(":") ? `[${host}]` : host}:${port}/`;
  }

  get connections(): number {
    return this.open.size;
  }

  /** Who is at the other end of a connection to the HTTP server, by its port; undefined: nobody that came through here. */
  callerAt(port: number): Caller | undefined {
    return this.callers.get(port);
  }

  /** New connections get this certificate. Those that were not accepted yet at this moment are reset, and come again. */
  renew(certificate: Certificate): void {
    this.listener.stop(false);
    this.listener = this.listenWith(certificate);
  }

  /** Cuts all connections off. */
  stop(): void {
    this.listener.stop(true);
    for (const joined of this.open) joined.destroy();
    this.open.clear();
  }

  private listenWith({ cert, key, passphrase, clientCa }: Certificate) {
    const { listen } = this.options;
    try {
      return Bun.listen<Joined | undefined>({
        hostname: this.address.host,
        port: this.address.port,
        exclusive: true,
        allowHalfOpen: true,
        tls: {
          cert,
          key,
          ...(passphrase === undefined ? {} : { passphrase }),
          ALPNProtocols: spokenProtocols,
          // Who has none may come all the same; whom we do not believe is cut off below.
          ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
        },
        socket: {
          open: (socket) => {
            socket.timeout(handshakeSeconds);
          },
          handshake: (socket, success, error) => this.greeted(socket, clientCa !== undefined, success, error),
          data: (socket, chunk) => socket.data?.fromOuter(chunk),
          drain: (socket) => socket.data?.outerDrained(),
          end: (socket) => (socket.data === undefined ? socket.terminate() : socket.data.outerEnded()),
          timeout: (socket) => this.refuse(socket, "no handshake came"),
          close: (socket) => this.left(socket),
          error: () => undefined,
        },
      });
    } catch (thrown) {
      throw new AppError(codes.CENTRAL_ADDRESS_IN_USE, `listen on ${listen}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  private greeted(socket: Outer, asksClients: boolean, success: boolean, error: Error | null): void {
    const name = success && asksClients ? commonNameOf(socket) : undefined;
    const why = success ? mistakeOf(name, socket.authorized, error) : wordsOf(error, "the handshake has failed");
    if (why !== undefined) {
      this.refuse(socket, why);
      return;
    }
    socket.timeout(0);
    const joined = new Joined(socket);
    socket.data = joined;
    this.open.add(joined);
    void this.join(joined, { certificate: name });
  }

  private async join(joined: Joined, caller: Caller): Promise<void> {
    let port = 0;
    try {
      await Bun.connect({
        hostname: "127.0.0.1",
        port: this.options.innerPort,
        allowHalfOpen: true,
        socket: {
          open: (inner) => {
            port = inner.localPort;
            this.callers.set(port, caller);
            joined.join(inner);
          },
          data: (_, chunk) => joined.fromInner(chunk),
          drain: () => joined.innerDrained(),
          end: () => joined.innerEnded(),
          close: () => {
            this.callers.delete(port);
            joined.innerEnded();
          },
          error: () => undefined,
        },
      });
    } catch {
      // The HTTP server is about to be started anew: the client comes again.
      joined.destroy();
    }
  }

  private refuse(socket: Outer, why: string): void {
    this.options.report(signals.refused, { peer: `${socket.remoteAddress}`, why });
    socket.terminate();
  }

  private left({ data: joined }: Outer): void {
    if (joined === undefined) return;
    this.open.delete(joined);
    joined.outerClosed();
  }
}

/** What is wrong with a client's certificate. */
function mistakeOf(name: string | undefined, authorized: boolean, error: Error | null): string | undefined {
  if (name === undefined) return undefined;
  if (!authorized) return `its certificate: ${wordsOf(error, "nobody we believe has signed it")}`;
  return nameWords.test(name) ? undefined : "its certificate: the common name is not 1 to 64 letters, digits, . _ -";
}

function wordsOf(error: Error | null, otherwise: string): string {
  return error === null ? otherwise : messageOf(error);
}

/** Undefined: the client has shown none. */
function commonNameOf(socket: Outer): string | undefined {
  // Without a certificate the runtime gives an object without its fields.
  const { subject }: { subject?: { CN?: string | string[] } } = socket.getPeerCertificate() ?? {};
  if (subject === undefined) return undefined;
  const { CN: name = "" } = subject;
  return typeof name === "string" ? name : "";
}
