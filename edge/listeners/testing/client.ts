import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** How to reach a listener. */
export interface ClientOptions {
  readonly port?: number | undefined;
  readonly path?: string;
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

/** A client of a listener, for tests: what it hears, and whether it was left. */
export class Client {
  private heardNow = Buffer.alloc(0);
  /** The other side has ended, or reset, the connection. */
  isLeft = false;
  readonly socket: Socket;
  private readonly ready: Promise<boolean>;

  constructor({ port = 0, path, tls }: ClientOptions) {
    const to = path === undefined ? { port, host: "127.0.0.1" } : { path };
    this.socket = tls === undefined ? connectPlain(to) : connectTls({ ...to, ...tls });
    this.socket.on("data", (chunk: Buffer) => {
      this.heardNow = Buffer.concat([this.heardNow, chunk]);
    });
    const left = () => {
      this.isLeft = true;
    };
    for (const event of ["end", "close", "error"]) this.socket.on(event, left);
    const event = tls === undefined ? "connect" : "secureConnect";
    this.ready = new Promise((resolve) => {
      this.socket.once(event, () => resolve(true));
      this.socket.once("close", () => resolve(false));
    });
  }

  /** All that came, one character a byte. */
  get heard(): string {
    return this.heardNow.toString("latin1");
  }

  /** Whether it was taken. */
  connected(): Promise<boolean> {
    return this.ready;
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  }

  end(): void {
    this.socket.end();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
