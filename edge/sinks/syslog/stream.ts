/**
 * A connection to a syslog server. Syslog has no answers, but TCP has an end: when we have ended our side and the server then ends its
 * own, it has read everything; had it left a byte unread (killed, restarted), its kernel would have reset the connection.
 *
 * A server that ends its side while we still write must not be taken for that: what it had not got yet is lost, and we hear of its
 * end before we hear of the loss. So the kernel is asked whether all that we sent, our end included, was acknowledged.
 *
 * With TLS our end goes out in two steps, the notice of TLS and the end of TCP, and a server may end TCP when it has read the notice. So
 * ours waits for that, for a time: then the kernel still has the connection, and says whether the notice was acknowledged too.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { ConnectionLost, type Peer, tlsOptions, untilConnected } from "../../../shared/outgoing/peer.ts";
import { CLOSE_WAIT, ESTABLISHED, type TcpEnd, TIME_WAIT, tcpState } from "../../../shared/system/tcp-state.ts";
import { tlsOver } from "./over-tcp.ts";

/** From look to look at the kernel's table. */
const lookEveryMs = 5;
/** After both ends, an acknowledgement is under way no longer than this, or a retransmission of it was lost. */
const looksMax = 400;
/** With TLS, a server that ends TCP only after we did is waited for no longer than this. */
const endsTcpAfterMs = 1_000;

/** One connection; it is used by one write at a time. */
export class SyslogStream {
  private socket: Socket | undefined;
  /** What carries `socket`; the same one without TLS. */
  private tcp: Socket | undefined;
  private ends: { readonly local: TcpEnd; readonly remote: TcpEnd } | undefined;
  private lost: Error | undefined;
  private ending = false;
  private hasServerEnded = false;
  private readonly serverEnded = Promise.withResolvers<void>();
  private readonly over = Promise.withResolvers<never>();

  constructor(private readonly peer: Peer) {
    // Who waits for nothing hears of it at the next write.
    this.over.promise.catch(() => undefined);
  }

  get isOpen(): boolean {
    return this.socket !== undefined && this.lost === undefined && !this.ending;
  }

  /** @throws ConnectionLost when there is no connection in time, or the signal aborts. */
  async connect(signal: AbortSignal): Promise<void> {
    const { host, port, tls } = this.peer;
    const tcp = connectPlain({ host, port, allowHalfOpen: true });
    this.tcp = tcp;
    tcp.setNoDelay(true);
    tcp.setKeepAlive(true, 60_000);
    const socket = tls === undefined ? tcp : tlsOver(tcp, { ...tlsOptions(this.peer), host });
    this.socket = socket;
    socket.resume();
    tcp.once("end", () => this.serverHasEnded());
    for (const each of [tcp, socket]) each.on("error", (error) => this.broken(new ConnectionLost(error.message)));
    tcp.once("close", () => this.broken(new ConnectionLost("the connection was ended by the other side")));
    // The notice of TLS alone is an end as well, when we have not asked for it.
    socket.once("end", () => {
      if (!this.ending) this.serverHasEnded();
    });
    await untilConnected(socket, this.peer, signal, (error) => this.closed(error));
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = tcp;
    this.ends = {
      local: { address: localAddress, port: localPort },
      remote: { address: remoteAddress, port: remotePort },
    };
  }

  /** Resolves when the system has taken it. @throws ConnectionLost. */
  async write(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const { socket } = this;
    if (socket === undefined || this.lost !== undefined) throw this.lost ?? new ConnectionLost("not connected");
    const taken = new Promise<void>((resolve) => socket.write(bytes, (error) => !error && resolve()));
    await this.within(taken, signal);
  }

  /** Ends our side; resolves when the server has read everything and ended its own. @throws ConnectionLost. */
  async end(signal: AbortSignal): Promise<void> {
    if (this.lost !== undefined) throw this.lost;
    this.ending = true;
    this.socket?.end();
    const endingTcp = setTimeout(() => void this.endTcp(), endsTcpAfterMs);
    try {
      await this.within(
        this.serverEnded.promise.then(() => this.confirm()),
        signal,
      );
    } finally {
      clearTimeout(endingTcp);
    }
  }

  close(): void {
    this.cut(new ConnectionLost("closed by us"));
  }

  private serverHasEnded(): void {
    if (this.ending) {
      this.hasServerEnded = true;
      this.serverEnded.resolve();
    } else this.cut(new ConnectionLost("the server has ended the connection"));
  }

  /** With TLS, for a server that waits for it. Without, TCP was ended at once. */
  private async endTcp(): Promise<void> {
    if (this.ends === undefined || this.tcp === this.socket) return;
    const known = await tcpState(this.ends.local, this.ends.remote);
    if (known?.state === ESTABLISHED) this.tcp?.end();
  }

  private async confirm(): Promise<void> {
    const { ends } = this;
    for (let look = 0; ends !== undefined && look < looksMax; look++) {
      const known = await tcpState(ends.local, ends.remote);
      if (known === undefined) break;
      if (known.state === TIME_WAIT) return;
      if (known.state === CLOSE_WAIT && this.hasSaidAll && known.unacknowledgedBytes === 0) return;
      await Bun.sleep(lookEveryMs);
    }
    throw this.cut(new ConnectionLost("the server has ended the connection before it had read everything"));
  }

  /** With TLS: the system has all that we had to say, the notice of our end included. */
  private get hasSaidAll(): boolean {
    const { socket, tcp } = this;
    return socket !== tcp && socket?.writableFinished === true && tcp?.writableLength === 0;
  }

  private async within(done: Promise<void>, signal: AbortSignal): Promise<void> {
    const { requestTimeoutMs } = this.peer;
    const late = () => this.cut(new ConnectionLost(`not taken within ${requestTimeoutMs} ms`));
    const stop = () => this.cut(new ConnectionLost("stopped before it was taken"));
    const timer = setTimeout(late, requestTimeoutMs);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    done.catch(() => undefined);
    try {
      await Promise.race([done, this.over.promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }

  /** After both sides have ended that is no loss: `confirm` says which it was. */
  private broken(error: Error): Error {
    return this.hasServerEnded ? error : this.cut(error);
  }

  /** TLS is over when both notices are out; what carries it is not. */
  private closed(error: Error): Error {
    return this.ending && this.tcp !== this.socket ? error : this.broken(error);
  }

  private cut(error: Error): Error {
    if (this.lost !== undefined) return this.lost;
    this.lost = error;
    this.socket?.destroy();
    this.tcp?.destroy();
    this.over.reject(error);
    return error;
  }
}
