/**
 * Takes connections for a source: TCP, TLS, or a Unix socket.
 *
 *     open ─▶ accepted ─(TLS)─▶ serve(connection), one call each ─▶ ended, lingers, gone
 *
 * What may wait is bounded: connections by number and by the process's descriptors, bytes together (`held-bytes.ts`),
 * time by deadlines. A refused connection is accepted and reset: left in the kernel's queue it would have the event loop
 * turn without end once no descriptor is free. When the source stops, those who wait for bytes hear that none come; the
 * others have a moment for their answers.
 */
import { chmodSync } from "node:fs";
import { sleep } from "../../shared/async/sleep.ts";
import { isLocal, type ListenAddress, showAddress } from "../../shared/config/listen-address.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { removeStaleSocket } from "../../shared/system/unix-socket.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Context } from "../core/context.ts";
import { codes } from "./codes.ts";
import { Connection } from "./connection.ts";
import { connectionShare } from "./connection-share.ts";
import { HeldBytes } from "./held-bytes.ts";
import { type ConnectionRefusal, signals } from "./telemetry.ts";

/** Our certificate, and who signs the clients'. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  readonly clientCa?: string | undefined;
}

/** What `listenerFields` reads, and what the source knows beside it. */
export interface ListenerOptions {
  readonly address: ListenAddress;
  readonly tls?: ListenerTls | undefined;
  readonly connectionsMax: number;
  readonly idleTimeout?: number | undefined;
  readonly messageTimeout: number;
  readonly socketMode: string;
  /** The source asks for credentials itself: an address that others reach is no open door. */
  readonly asksCredentials?: boolean;
  /** The source encrypts by itself, on what a connection carries. */
  readonly isEncryptedAbove?: boolean;
  /** Bytes that all connections may hold together before they are understood; one message must fit. */
  readonly heldBytesMax?: number;
}

/** How a source speaks with one client; when it returns, the connection is ended. */
export type Serve = (connection: Connection) => Promise<void>;

/** Undefined: it was refused. */
type Accepted = Connection | undefined;

const heldBytesMaxDefault = 16 * 1024 * 1024;
const graceMs = 2_000;
const keepAliveMs = 60_000;
const sweepMsMax = 1_000;
const sweepMsMin = 25;

export class Listener {
  private readonly options: ListenerOptions;
  private readonly context: Pick<Context, "name" | "report">;
  private readonly connections = new Set<Connection>();
  private readonly talks = new Set<Promise<void>>();
  private readonly held: HeldBytes<Connection>;
  private readonly accepted: Counter;
  private readonly received: Counter;
  private readonly refusals: Readonly<Record<ConnectionRefusal, Counter>>;
  private server: { stop(closeActive: boolean): void } | undefined;
  private serve: Serve = async () => {};
  private portNow: number | undefined;
  private sweeper: ReturnType<typeof setInterval> | undefined;
  private atCap = false;

  constructor(options: ListenerOptions, context: Pick<Context, "name" | "report" | "metrics">) {
    this.options = options;
    this.context = context;
    this.held = new HeldBytes(options.heldBytesMax ?? heldBytesMaxDefault, this.connections, (largest) => {
      context.report(signals.tooMuch, this.words({ peer: largest.peer, bytes: largest.heldBytes }));
      this.cut(largest, "memory");
    });
    const { metrics } = context;
    const labels = { source: context.name, address: showAddress(options.address) };
    metrics.observe("tailgate_listener_connections", "Connections that are open.", labels, () => this.connections.size);
    this.accepted = metrics.counter("tailgate_listener_accepted_total", "Connections that were accepted.", labels);
    this.received = metrics.counter(
      "tailgate_listener_received_bytes_total",
      "Bytes that connections brought.",
      labels,
    );
    const refused = (reason: ConnectionRefusal) =>
      metrics.counter(
        "tailgate_listener_refused_total",
        "Connections that were refused or closed, by reason: too many, TLS, silent or slow for too long, memory, not of the protocol.",
        { ...labels, reason },
      );
    this.refusals = {
      cap: refused("cap"),
      tls: refused("tls"),
      idle: refused("idle"),
      slow: refused("slow"),
      memory: refused("memory"),
      protocol: refused("protocol"),
    };
  }

  /** Begins to listen, and has `serve` called for each connection. @throws AppError `EDGE_LISTEN` when the address cannot be had. */
  open(serve: Serve): void {
    this.serve = serve;
    const { address, tls, asksCredentials = false, isEncryptedAbove = false } = this.options;
    this.server = this.listen(address);
    const { report } = this.context;
    report(signals.listening, this.words({ tls: tls !== undefined || isEncryptedAbove }));
    if (!isLocal(address) && tls?.clientCa === undefined && !asksCredentials) report(signals.exposed, this.words());
  }

  /** Listens until the signal aborts, and then ends: resolves when nothing of it runs any more. */
  async run(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    await this.close();
  }

  /** Takes no more connections, lets those that are open end within two seconds, cuts off the rest. Also when it is not open. */
  async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    server.stop(false);
    this.context.report(signals.closed, this.words());
    for (const connection of this.connections) connection.stop();
    const late = new AbortController();
    await Promise.race([this.allEnded(late.signal), sleep(graceMs, late.signal)]);
    late.abort();
    if (this.talks.size > 0) this.context.report(signals.leftOpen, this.words({ connections: this.talks.size }));
    for (const connection of this.connections) connection.destroy();
    clearInterval(this.sweeper);
    this.sweeper = undefined;
  }

  /** The port it listens on; undefined when it does not listen, or on a Unix socket. */
  get port(): number | undefined {
    return this.server === undefined ? undefined : this.portNow;
  }

  /** For the status page. */
  status(): Readonly<Record<string, unknown>> {
    const refused: Record<string, number> = {};
    for (const [reason, { value }] of Object.entries(this.refusals)) if (value > 0) refused[reason] = value;
    return {
      listens: this.server !== undefined,
      address: showAddress(this.options.address),
      ...(this.port === undefined ? {} : { port: this.port }),
      connections: this.connections.size,
      accepted: this.accepted.value,
      refused,
      heldBytes: this.held.bytes,
    };
  }

  private listen(address: ListenAddress): { stop(closeActive: boolean): void } {
    const { tls, socketMode } = this.options;
    try {
      if (address.kind === "unix") removeStaleSocket(address.path);
      const options = {
        ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
        allowHalfOpen: true,
        socket: this.handlers(tls !== undefined),
      };
      if (address.kind === "tcp") {
        // Exclusive: never side by side with another process on one port, which would share out the senders.
        const server = Bun.listen<Accepted>({
          ...options,
          hostname: address.host,
          port: address.port,
          exclusive: true,
        });
        this.portNow = server.port;
        return server;
      }
      const server = Bun.listen<Accepted>({ ...options, unix: address.path });
      chmodSync(address.path, Number.parseInt(socketMode, 8));
      return server;
    } catch (cause) {
      const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
      throw new AppError(codes.EDGE_LISTEN, `listen on ${showAddress(address)}${why}`, { cause });
    }
  }

  private handlers(encrypted: boolean): Bun.SocketHandler<Accepted> {
    return {
      open: (socket) => this.onOpen(socket, encrypted),
      handshake: (socket, success, error) => this.onHandshake(socket, success, error),
      data: (socket, chunk) => {
        this.received.add(chunk.length);
        socket.data?.onData(chunk);
      },
      end: (socket) => socket.data?.onEnd(),
      drain: (socket) => socket.data?.onDrain(),
      close: (socket) => socket.data?.onClose(),
      error: () => undefined,
    };
  }

  private onOpen(socket: Bun.Socket<Accepted>, encrypted: boolean): void {
    if (this.connections.size >= this.options.connectionsMax || !connectionShare.take()) {
      socket.data = undefined;
      this.refusals.cap.add(1);
      if (!this.atCap) this.context.report(signals.atCap, this.words({ connections: this.connections.size }));
      this.atCap = true;
      socket.terminate();
      return;
    }
    const connection = new Connection(socket, this.held, encrypted, () => this.onGone(connection));
    socket.data = connection;
    this.connections.add(connection);
    this.accepted.add(1);
    socket.setKeepAlive(true, keepAliveMs);
    socket.setNoDelay(true);
    this.sweeper ??= this.startSweeping();
    if (!encrypted) this.talk(connection);
  }

  private onHandshake(socket: Bun.Socket<Accepted>, success: boolean, error: Error | null): void {
    const { data: connection } = socket;
    if (connection === undefined) return;
    const asked = this.options.tls?.clientCa !== undefined;
    if (!success || (asked && (error !== null || !socket.authorized))) {
      const why = error === null ? "no certificate" : messageOf(error);
      this.context.report(signals.tlsFailed, this.words({ peer: connection.peer, error: why }));
      this.cut(connection, "tls");
      return;
    }
    connection.onSecure(asked ? commonName(socket.getPeerCertificate()) : undefined);
    this.talk(connection);
  }

  private talk(connection: Connection): void {
    const talk = this.serve(connection).then(
      () => connection.end(),
      (error: unknown) => {
        if (!connection.isOpen) return;
        this.context.report(signals.failed, this.words({ peer: connection.peer, error: messageOf(error) }));
        this.cut(connection, "protocol");
      },
    );
    this.talks.add(talk);
    void talk.finally(() => this.talks.delete(talk));
  }

  private cut(connection: Connection, reason: ConnectionRefusal): void {
    this.refusals[reason].add(1);
    connection.destroy();
  }

  private onGone(connection: Connection): void {
    if (!this.connections.delete(connection)) return;
    connectionShare.giveBack();
    if (this.connections.size === 0 && this.server !== undefined) {
      clearInterval(this.sweeper);
      this.sweeper = undefined;
    }
    if (!this.atCap) return;
    this.atCap = false;
    this.context.report(signals.belowCap, this.words({ refused: this.refusals.cap.value }));
  }

  private startSweeping(): ReturnType<typeof setInterval> {
    const { idleTimeout: idleMs = Number.POSITIVE_INFINITY, messageTimeout: messageMs } = this.options;
    const sweep = () => {
      const nowMs = performance.now();
      for (const connection of this.connections) {
        const reason = connection.overdue(nowMs, { idleMs, messageMs });
        if (reason === "linger") connection.destroy();
        else if (reason !== undefined) this.cut(connection, reason);
      }
    };
    const everyMs = Math.max(sweepMsMin, Math.min(sweepMsMax, idleMs / 4, messageMs / 4));
    return setInterval(sweep, everyMs);
  }

  /** Also those that only wait for their peer to have read what was said last. */
  private async allEnded(late: AbortSignal): Promise<void> {
    while ((this.talks.size > 0 || this.connections.size > 0) && !late.aborted) await sleep(5, late);
  }

  private words(more: Readonly<Record<string, string | number | boolean>> = {}) {
    const { address } = this.options;
    const { portNow } = this;
    const shown = address.kind === "tcp" && portNow !== undefined ? { ...address, port: portNow } : address;
    return { component: this.context.name, address: showAddress(shown), ...more };
  }
}

function tlsOptions({ cert, key, passphrase, clientCa }: ListenerTls): Bun.TLSOptions {
  return {
    cert,
    key,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
}

function commonName(certificate: unknown): string | undefined {
  if (typeof certificate !== "object" || certificate === null || !("subject" in certificate)) return undefined;
  const { subject } = certificate;
  if (typeof subject !== "object" || subject === null || !("CN" in subject)) return undefined;
  return typeof subject.CN === "string" ? subject.CN : undefined;
}
