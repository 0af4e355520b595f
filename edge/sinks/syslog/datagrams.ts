import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { ConnectionLost } from "../../../shared/outgoing/peer.ts";

/** Sends datagrams. What becomes of one nobody says; only what this machine refuses to send is known. */
export class Datagrams {
  private socket: Socket | undefined;
  private address = "";

  constructor(private readonly to: { readonly hostname: string; readonly port: number }) {}

  /** Resolves when the system has taken it. @throws ConnectionLost. */
  async send(message: Buffer): Promise<void> {
    try {
      const socket = await this.opened();
      await new Promise<void>((resolve, reject) => {
        socket.send(message, this.to.port, this.address, (error) => (error ? reject(error) : resolve()));
      });
    } catch (thrown) {
      // The next one looks the name up again: the server may have moved.
      await this.close();
      throw new ConnectionLost(messageOf(thrown));
    }
  }

  close(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    return new Promise((resolve) => (socket === undefined ? resolve() : socket.close(() => resolve())));
  }

  private async opened(): Promise<Socket> {
    if (this.socket !== undefined) return this.socket;
    const { address, family } = await lookup(this.to.hostname);
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    // A port that nobody listens on is told to some systems' sockets later; it is no reason to end.
    socket.on("error", () => undefined);
    this.address = address;
    this.socket = socket;
    return socket;
  }
}
