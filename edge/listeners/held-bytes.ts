/** What holds received bytes: a connection. */
export interface BytesHolder {
  readonly heldBytes: number;
  /** It waits for more: what it holds is no whole message. */
  readonly isWaiting: boolean;
  pause(): void;
  resume(): void;
}

/**
 * Received bytes that nobody has understood yet, of all connections of a listener: bounded together, because a thousand
 * half messages of half a megabyte are as bad as one of half a gigabyte.
 *
 * Over the bound nobody reads until half of it is free. When then all who hold bytes wait for more of them, none can ever
 * let go: the one that holds most is cut off.
 */
export class HeldBytes<H extends BytesHolder> {
  private held = 0;
  private full = false;

  constructor(
    private readonly bytesMax: number,
    private readonly connections: ReadonlySet<H>,
    private readonly cut: (largest: H) => void,
  ) {}

  get isFull(): boolean {
    return this.full;
  }

  get bytes(): number {
    return this.held;
  }

  add(count: number): void {
    this.held += count;
    if (!this.full && this.held > this.bytesMax) {
      this.full = true;
      for (const connection of this.connections) connection.pause();
    } else if (this.full && this.held <= this.bytesMax / 2) {
      this.full = false;
      for (const connection of this.connections) if (connection.isWaiting) connection.resume();
    }
  }

  /** This one waits for more bytes. */
  waits(connection: H): void {
    if (!this.full) return;
    connection.pause();
    let largest = connection;
    for (const each of this.connections) {
      // Somebody works on what it holds, and will let go of it.
      if (each.heldBytes > 0 && !each.isWaiting) return;
      if (each.heldBytes > largest.heldBytes) largest = each;
    }
    this.cut(largest);
  }
}
