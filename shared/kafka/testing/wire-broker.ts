import { createServer, type Server, type Socket } from "node:net";
import { WireReader, WireWriter } from "../wire.ts";

/** A request as it came: its head, and the reader at its body. */
export interface WireRequest {
  readonly apiKey: number;
  readonly version: number;
  readonly body: WireReader;
}

/** Writes the answer's body; undefined: no answer at all. */
export type WireAnswer = ((to: WireWriter) => void) | undefined;

const apiVersionsKey = 18;

/**
 * A listener that speaks Kafka's framing: it answers ApiVersions (0 to 2) with the versions it is told to have, and every
 * other request with what the test says. For what the client does about answers; what a broker does is for real ones.
 */
export class WireBroker {
  /** `apiKey.version` of all that was asked, in order. */
  readonly asked: string[] = [];
  /** How a request is answered. */
  answer: (request: WireRequest) => WireAnswer = () => undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private readonly versions: ReadonlyMap<number, readonly [min: number, max: number]>,
  ) {}

  /** Listens on a port of loopback. `versions`: by API key, the lowest and highest that it says it has. */
  static async listen(versions: Readonly<Record<number, readonly [min: number, max: number]>>): Promise<WireBroker> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    const spoken = Object.entries({ ...versions, [apiVersionsKey]: [0, 2] as const });
    const ranges = new Map(spoken.map(([apiKey, range]) => [Number(apiKey), range]));
    const broker = new WireBroker(server, address.port, ranges);
    server.on("connection", (socket) => broker.greet(socket));
    return broker;
  }

  get name(): string {
    return `127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private greet(socket: Socket): void {
    this.sockets.add(socket);
    // Whoever is cut off resets the connection; that is what some tests are about.
    socket.on("error", () => socket.destroy());
    let rest = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      rest = Buffer.concat([rest, Buffer.from(bytes)]);
      while (rest.length >= 4 && rest.length >= rest.readInt32BE(0) + 4) {
        const end = rest.readInt32BE(0) + 4;
        this.take(socket, rest.subarray(4, end));
        rest = rest.subarray(end);
      }
    });
  }

  private take(socket: Socket, frame: Buffer): void {
    const body = new WireReader(frame);
    const request = { apiKey: body.int16(), version: body.int16(), body };
    const correlationId = body.int32();
    body.string(); // client id
    this.asked.push(`${request.apiKey}.${request.version}`);
    const write = request.apiKey === apiVersionsKey ? this.ownVersions(request.version) : this.answer(request);
    if (write === undefined) return;
    const to = new WireWriter().int32(0).int32(correlationId);
    write(to);
    to.written.writeInt32BE(to.written.length - 4, 0);
    socket.write(to.written);
  }

  private ownVersions(version: number): WireAnswer {
    return (to) => {
      to.int16(0).list([...this.versions], ([apiKey, [min, max]]) => to.int16(apiKey).int16(min).int16(max));
      if (version > 0) to.int32(0); // throttle
    };
  }
}
