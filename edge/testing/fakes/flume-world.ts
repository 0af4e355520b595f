/**
 * A Flume's source that can be away, slow or full, whatever its RPC (Avro, Thrift). It knows no ids: what is there twice came twice.
 * Who extends it reads requests from a socket, and hands each to `take`.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { FlumeEvent } from "../../../shared/avro-rpc/flume-events.ts";
import type { ReceivedEvent, SinkWorld } from "../contracts/record-sink.contract.ts";
import { ArrayReader } from "./array-reader.ts";
import { fakeContext } from "./component.ts";
import { testBatches, testLane } from "./test-batches.ts";

const failed = "Flume's answer is OK or FAILED, and FAILED may be OK a moment later: a single event is tried again";
const noIds = "Flume knows no ids: what is sent again is there twice";

/** What such a sink cannot promise, and why. */
export const flumeLacks = {
  "key, time and headers arrive": "an event of Flume's has no time of its own; see below",
  "an event has the same id whenever it comes": noIds,
  "an answer that is lost: written again, nothing is missing, repeats have the same id": noIds,
  "a process that was killed in the middle writes the batch from its beginning": noIds,
  "lanes are written side by side, each in order, and not more at once than may be": "it shows no lane; see below",
  "a refused event is buried alone, with its reason, and the others arrive once": failed,
  "refused at both ends and side by side: each is found": failed,
  "all refused: all buried, and the next batch goes on": failed,
  "a destination that says which events it refuses is not asked again for the others": failed,
  "away while it looks for the refused event: it goes on, and nothing is written twice": failed,
  "a destination that takes less than was thought: halves are tried, and all arrive":
    "it takes so many events, not bytes; see below",
  "a single event that is too large is buried, and the others arrive": failed,
  "wrong credentials are tried again, and lose nothing": "there are none but certificates",
} as const;

export abstract class FlumeWorld implements SinkWorld {
  abstract readonly definition: SinkWorld["definition"];
  readonly smallWrites = { batchSize: 10 };
  readonly writersMax = 4;
  readonly events: FlumeEvent[] = [];
  private readonly server: Server = createServer((socket) => this.accept(socket));
  private readonly sizes: number[] = [];
  private readonly sockets = new Set<Socket>();
  private isAway = false;
  private writesUntilAway = Number.POSITIVE_INFINITY;
  private answersToLose = 0;
  private waitMs = 0;
  private eventsTaken = Number.POSITIVE_INFINITY;
  private now = 0;
  private most = 0;

  /** Itself, once it listens. */
  open(): Promise<this> {
    return new Promise((resolve) => this.server.listen(0, "127.0.0.1", () => resolve(this)));
  }

  get config() {
    const address = this.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 1;
    return { hostname: "127.0.0.1", port, batchSize: 1_000, requestTimeout: "3s" };
  }

  received(): readonly ReceivedEvent[] {
    return this.events.map(({ body, headers }) => ({
      id: "",
      body: body.toString("latin1"),
      timeMs: 0,
      key: headers.key,
      headers,
    }));
  }

  arrivals(): number {
    return this.events.length;
  }

  writeSizes(): readonly number[] {
    return this.sizes.toSorted((a, b) => b - a);
  }

  writersAtOnce(): number {
    return this.most;
  }

  away(away: boolean): void {
    this.isAway = away;
    this.writesUntilAway = Number.POSITIVE_INFINITY;
    if (away) for (const socket of this.sockets) socket.destroy();
  }

  awayAfter(writes: number): void {
    this.writesUntilAway = writes;
  }

  loseAnswer(): void {
    this.answersToLose++;
  }

  slow(ms: number): void {
    this.waitMs = ms;
  }

  /** As a channel with a small transactionCapacity. */
  takesAtOnce(events: number): void {
    this.eventsTaken = events;
  }

  refuse(): void {}
  refuseAndSay(): void {}
  bytesMax(): void {}
  lockOut(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** Makes a sink of it, and has one batch delivered. */
  async deliver(config: Readonly<Record<string, unknown>>, count: number): Promise<void> {
    const reading = this.definition.read({ ...this.config, ...config });
    if (!reading.ok) throw new Error("the config is wrong");
    const sink = await reading.value.create(fakeContext());
    const reader = new ArrayReader(testLane("driving"));
    reader.put(...testBatches(reader.lane, 1, count));
    const batch = reader.next();
    if (batch !== undefined) await sink.lane(reader).deliver(batch, new AbortController().signal);
    await sink.stop();
  }

  /** What is said on one connection: called with all that has come, answers how much of it was understood. */
  protected abstract talk(socket: Socket): (bytes: Buffer) => number;

  /** One request: when its time has come it is read, and answered unless the world has it otherwise. */
  protected async take(
    socket: Socket,
    read: () => readonly FlumeEvent[],
    answer: (isTaken: boolean) => Buffer,
  ): Promise<void> {
    this.most = Math.max(this.most, ++this.now);
    if (this.waitMs > 0) await Bun.sleep(Math.min(this.waitMs, 2_000));
    this.now--;
    const events = read();
    if (this.isAway || this.writesUntilAway-- <= 0) {
      socket.destroy();
      return;
    }
    const isTaken = events.length <= this.eventsTaken;
    if (isTaken) {
      this.sizes.push(events.length);
      this.events.push(...events);
    }
    if (this.answersToLose-- > 0) {
      socket.destroy();
      return;
    }
    socket.write(answer(isTaken));
  }

  private accept(socket: Socket): void {
    if (this.isAway) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const hear = this.talk(socket);
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      bytes = bytes.subarray(hear(bytes));
    });
  }
}
