/**
 * A connection to a syslog server. Syslog has no answers, but TCP has an end: when we have ended our side and the server then ends its
 * own, it has read everything; had it left a byte unread (killed, restarted), its kernel would have reset the connection.
 *
 * A server that ends its side while we still write must not be taken for that: what it had not got yet is lost, and we hear of its
 * end before we hear of the loss. So the kernel is asked whether all that we sent, our end included, was acknowledged.
 *
 * With TLS our end goes out in two steps, the notice of TLS and the end of TCP. A server that ends at the first of them may end TCP before
 * we do, when the machine is busy. Then the kernel keeps nothing that could be asked, and the write comes again: rather twice than never.
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConnectionLost, type Peer, tlsOptions, untilConnected } from "../../../shared/outgoing/peer.ts";
import { type TcpEnd, TIME_WAIT, tcpState } from "../../../shared/system/tcp-state.ts";

/** From look to look at the kernel's table. */
const lookEveryMs = 5;
/** After both ends, an acknowledgement is under way no longer than this, or a retransmission of it was lost. */
const looksMax = 400;

/** One connection; it is used by one write at a time. */
export class SyslogStream {
  private socket: Socket | undefined;
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
    const options = { host, port, allowHalfOpen: true };
    const socket = tls === undefined ? connectPlain(options) : connectTls({ ...options, ...tlsOptions(this.peer) });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.resume();
    socket.on("end", () => {
      if (this.ending) {
        this.hasServerEnded = true;
        this.serverEnded.resolve();
      } else this.cut(new ConnectionLost("the server has ended the connection"));
    });
    await untilConnected(socket, this.peer, signal, (error) => this.closed(error));
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = socket;
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
    await this.within(
      this.serverEnded.promise.then(() => this.confirm()),
      signal,
    );
  }

  close(): void {
    this.cut(new ConnectionLost("closed by us"));
  }

  private async confirm(): Promise<void> {
    const { ends } = this;
    for (let look = 0; ends !== undefined && look < looksMax; look++) {
      const state = await tcpState(ends.local, ends.remote);
      if (state === TIME_WAIT) return;
      if (state === undefined) break;
      await Bun.sleep(lookEveryMs);
    }
    throw this.cut(new ConnectionLost("the server has ended the connection before it had read everything"));
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

  /** The socket is gone. After both sides have ended that is no loss: `confirm` says which it was. */
  private closed(error: Error): Error {
    return this.hasServerEnded ? error : this.cut(error);
  }

  private cut(error: Error): Error {
    if (this.lost !== undefined) return this.lost;
    this.lost = error;
    this.socket?.destroy();
    this.over.reject(error);
    return error;
  }
}
