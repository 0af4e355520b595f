/**
 * A server that gives up its connections when descriptors are scarce. Whoever opens many connections and says nothing would
 * leave none for what the process is there for, nor for those who ask after its health. Idle ones cannot be told from
 * others, so all are closed at once and the port is listened on anew: askers ask again.
 */

/** What listens at a moment. */
export interface Listening {
  /** At once, idle connections too. */
  stop(): Promise<void>;
}

/** How it yields. */
export interface YieldingOptions<Server extends Listening> {
  readonly start: () => Server;
  readonly isScarce: () => boolean;
  readonly lookEveryMs: number;
  /** All connections are about to be closed; undefined: nothing listens, it is tried anew. */
  readonly onYield: (server: Server | undefined) => void;
}

/** See above. */
export class YieldingServer<Server extends Listening> {
  /** What listened first. */
  readonly first: Server;
  private server: Server | undefined;
  private readonly look: ReturnType<typeof setInterval>;

  /** @throws what `start` throws. */
  constructor(private readonly options: YieldingOptions<Server>) {
    const { start, isScarce, onYield, lookEveryMs } = options;
    this.first = start();
    this.server = this.first;
    this.look = setInterval(() => {
      if (this.server !== undefined && !isScarce()) return;
      onYield(this.server);
      this.startAgain();
    }, lookEveryMs);
  }

  /** What listens now; undefined: the port could not be had again yet. */
  get now(): Server | undefined {
    return this.server;
  }

  /** Closes all connections and listens anew. */
  startAgain(): void {
    void this.server?.stop();
    this.server = undefined;
    try {
      this.server = this.options.start();
    } catch {
      // The port or a descriptor is not free yet: with the next look.
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.look);
    await this.server?.stop();
  }
}
