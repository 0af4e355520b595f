/**
 * Two connections whose bytes go from one to the other, both ways. What one side does not take waits here, and the other
 * side is not read until it is gone: a few chunks at most, however slow either is.
 */

/** What is used of a socket. */
export interface JoinedSocket {
  write(bytes: Uint8Array): number;
  end(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** From one side to the other. */
class Way {
  private readonly waiting: Uint8Array[] = [];
  private to: JoinedSocket | undefined;
  private ended = false;

  constructor(private readonly from: () => JoinedSocket | undefined) {}

  /** The other side is there. */
  open(to: JoinedSocket): void {
    this.to = to;
    this.flush();
  }

  give(chunk: Uint8Array): void {
    this.waiting.push(chunk);
    this.flush();
  }

  /** Nothing comes after what was given. */
  end(): void {
    this.ended = true;
    this.flush();
  }

  /** The other side takes more. */
  flush(): void {
    const { to, waiting } = this;
    for (let chunk = waiting[0]; chunk !== undefined && to !== undefined; chunk = waiting[0]) {
      const taken = Math.max(0, to.write(chunk));
      if (taken === chunk.length) waiting.shift();
      else {
        waiting[0] = chunk.subarray(taken);
        break;
      }
    }
    if (waiting.length > 0) this.from()?.pause();
    else if (this.ended) to?.end();
    else this.from()?.resume();
  }
}

/** A client's connection and the one that was made for it. */
export class Joined {
  private inner: JoinedSocket | undefined;
  private readonly inwards: Way = new Way(() => this.outer);
  private readonly outwards: Way = new Way(() => this.inner);
  private gone = false;

  constructor(private readonly outer: JoinedSocket) {
    this.outwards.open(outer);
  }

  /** The second connection is made: what the client has said meanwhile goes first. */
  join(inner: JoinedSocket): void {
    if (this.gone) {
      inner.terminate();
      return;
    }
    this.inner = inner;
    this.inwards.open(inner);
  }

  fromOuter(chunk: Uint8Array): void {
    this.inwards.give(chunk);
  }

  fromInner(chunk: Uint8Array): void {
    this.outwards.give(chunk);
  }

  outerDrained(): void {
    this.outwards.flush();
  }

  innerDrained(): void {
    this.inwards.flush();
  }

  /** The client has ended its side. */
  outerEnded(): void {
    this.inwards.end();
  }

  /** All that will be answered was given. */
  innerEnded(): void {
    this.outwards.end();
  }

  /** The client is gone. */
  outerClosed(): void {
    this.gone = true;
    this.inner?.terminate();
  }

  destroy(): void {
    this.gone = true;
    this.inner?.terminate();
    this.outer.terminate();
  }
}
