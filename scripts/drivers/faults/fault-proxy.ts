/**
 * A TCP proxy that goes wrong on purpose, between a client and a Kafka broker (advertise the proxy's port on the
 * broker: clients go where its metadata sends them). It knows frames, so that a fault can be aimed:
 *
 *     const proxy = await startFaultProxy({ upstreamPort: broker.port, seed: 7 });
 *     await proxy.swallowNextAnswer(apiKeys.produce);   // the broker has the batch, the client never learns it
 *
 * Everything random comes from the seed. What cannot be done without privileges (dropping a SYN) is not imitated: a
 * black hole here accepts the connection and is silent.
 */
import { createServer, type Server, type Socket } from "node:net";
import { Gate } from "../../../shared/async/gate.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type Fault, FaultConnection, type FaultOwner, type PlannedFault } from "./fault-connection.ts";
import type { Link } from "./fault-pipe.ts";

/** Where it stands. */
export interface FaultProxyOptions {
  readonly upstreamPort: number;
  /** Port it listens on; a free one when not given. */
  readonly port?: number;
  readonly seed?: number;
  /** False for TLS, where frames cannot be seen: aimed faults then never happen. */
  readonly frames?: boolean;
}

/** Faults for each request of one api key, as probabilities; they are tried in this order. */
export interface Chaos {
  readonly apiKey: number;
  /** RST before the request reaches the broker. */
  readonly reset?: number;
  /** A part of the request reaches the broker, then RST. */
  readonly cut?: number;
  /** The request reaches the broker, its answer is dropped, then the line is cut. */
  readonly swallow?: number;
}

interface Aimed {
  readonly apiKey: number;
  readonly fault: Fault;
  readonly done: () => void;
}

const clear: Link = { latencyMs: 0, jitterMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

/** Starts one, with no fault yet. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy(options, options.port ?? (await freePort()));
  await proxy.accept();
  return proxy;
}

/** The proxy: faults are switched on and off while it runs. */
export class FaultProxy implements AsyncDisposable, FaultOwner {
  /** How often each kind of fault happened. */
  readonly happened: Record<Fault, number> = { reset: 0, cut: 0, swallow: 0, cutAnswer: 0 };
  private server: Server | undefined;
  private readonly connections = new Set<FaultConnection>();
  private readonly generator: { next(): number };
  private readonly requestCounts = new Map<number, number>();
  private readonly healed = new Gate();
  private aimed: Aimed[] = [];
  private chaos: Chaos | undefined;
  private black = false;
  private current: Link = clear;

  constructor(
    private readonly options: FaultProxyOptions,
    readonly port: number,
  ) {
    this.generator = seededRandom(options.seed ?? 1);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.connections.size;
  }

  /** How many requests of an api key the clients sent through here, complete or not answered. */
  requests(apiKey: number): number {
    return this.requestCounts.get(apiKey) ?? 0;
  }

  /** Makes the line slow or narrow from now on; without an argument it is clear again. */
  setLink(link: Partial<Link> = {}): void {
    this.current = { ...clear, ...link };
  }

  /** RST on every open connection, on both sides. */
  resetAll(): void {
    for (const connection of [...this.connections]) connection.reset();
  }

  /** Nobody listens any more: connecting is refused; what is open is reset. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    this.resetAll();
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  /** Listens (again). */
  async accept(): Promise<void> {
    if (this.server !== undefined) return;
    const server = createServer((client) => this.serve(client));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.server = server;
  }

  /** Half open: connections stay, new ones are accepted, and not a byte or an end passes until `heal`. */
  blackhole(): void {
    this.black = true;
  }

  /** Ends the black hole; what was held passes now, in order. */
  heal(): void {
    this.black = false;
    this.healed.open();
  }

  /** No fault is left: quick, listening, and not silent. What a black hole held is thrown away with its connections. */
  async clear(): Promise<void> {
    this.setLink();
    if (this.black) this.resetAll();
    this.heal();
    await this.accept();
  }

  /** Resolves when the next request of this kind was reset before it reached the broker. */
  resetNextRequest(apiKey: number): Promise<void> {
    return this.aim(apiKey, "reset");
  }

  /** Resolves when a part of the next request of this kind has reached the broker and the line was cut. */
  cutNextRequest(apiKey: number): Promise<void> {
    return this.aim(apiKey, "cut");
  }

  /** Resolves when the broker has answered the next request of this kind, the answer was dropped and the line cut. */
  swallowNextAnswer(apiKey: number): Promise<void> {
    return this.aim(apiKey, "swallow");
  }

  /** Resolves when the client has got a part of the answer to the next request of this kind and the line was cut. */
  cutNextAnswer(apiKey: number): Promise<void> {
    return this.aim(apiKey, "cutAnswer");
  }

  /** Faults at random from now on; undefined ends them. */
  setChaos(chaos: Chaos | undefined): void {
    this.chaos = chaos;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    await this.refuse();
  }

  link(): Link {
    return this.current;
  }

  random(): number {
    return this.generator.next();
  }

  async passable(signal: AbortSignal): Promise<void> {
    while (this.black && !signal.aborted) await this.healed.wait(signal);
  }

  /** Called for each request frame: which fault hits it, if any. */
  judge(apiKey: number): PlannedFault | undefined {
    this.requestCounts.set(apiKey, this.requests(apiKey) + 1);
    const index = this.aimed.findIndex((each) => each.apiKey === apiKey);
    const [aimed] = index < 0 ? [] : this.aimed.splice(index, 1);
    const fault = aimed?.fault ?? this.chaosFault(apiKey);
    if (fault === undefined) return undefined;
    return {
      fault,
      done: () => {
        this.happened[fault]++;
        aimed?.done();
      },
    };
  }

  private chaosFault(apiKey: number): Fault | undefined {
    if (this.chaos?.apiKey !== apiKey) return undefined;
    const { reset = 0, cut = 0, swallow = 0 } = this.chaos;
    const dice = this.random();
    if (dice < reset) return "reset";
    if (dice < reset + cut) return "cut";
    return dice < reset + cut + swallow ? "swallow" : undefined;
  }

  private aim(apiKey: number, fault: Fault): Promise<void> {
    return new Promise((done) => {
      this.aimed = [...this.aimed, { apiKey, fault, done }];
    });
  }

  private serve(client: Socket): void {
    const { upstreamPort, frames = true } = this.options;
    const connection = new FaultConnection(this, client, upstreamPort, frames, () =>
      this.connections.delete(connection),
    );
    this.connections.add(connection);
  }
}
