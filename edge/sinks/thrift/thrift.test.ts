import { expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import {
  readCall,
  readThriftFrame,
  type ThriftEvent,
  thriftStatus,
  writeStatus,
} from "../../../shared/thrift-rpc/flume.ts";
import { protocolOf } from "../../../shared/thrift-rpc/protocol.ts";
import {
  type ReceivedEvent,
  recordSinkContract,
  type SinkWorld,
} from "../../testing/contracts/record-sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

/** A Flume's Thrift source that can be away, slow or full. It knows no ids: what is there twice came twice. */
class ThriftWorld implements SinkWorld {
  readonly definition = definition;
  readonly smallWrites = { batchSize: 10 };
  readonly writersMax = 4;
  readonly events: ThriftEvent[] = [];
  readonly protocols = new Set<string>();
  private readonly sizes: number[] = [];
  private readonly sockets = new Set<Socket>();
  private isAway = false;
  private writesUntilAway = Number.POSITIVE_INFINITY;
  private answersToLose = 0;
  private waitMs = 0;
  private eventsTaken = Number.POSITIVE_INFINITY;
  private now = 0;
  private most = 0;

  private constructor(private readonly server: Server) {}

  static open(): Promise<ThriftWorld> {
    return new Promise((resolve) => {
      const server = createServer();
      const world = new ThriftWorld(server);
      server.on("connection", (socket) => world.serve(socket));
      server.listen(0, "127.0.0.1", () => resolve(world));
    });
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

  private serve(socket: Socket): void {
    if (this.isAway) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let frame = readThriftFrame(bytes, 1e8); frame !== undefined; frame = readThriftFrame(bytes, 1e8)) {
        bytes = bytes.subarray(4 + frame.length);
        void this.take(Buffer.from(frame), socket);
      }
    });
  }

  private async take(frame: Buffer, socket: Socket): Promise<void> {
    this.most = Math.max(this.most, ++this.now);
    if (this.waitMs > 0) await Bun.sleep(Math.min(this.waitMs, 2_000));
    this.now--;
    const protocol = protocolOf(frame);
    if (protocol === undefined) throw new Error("no Thrift");
    this.protocols.add(protocol);
    const { message, events = [] } = readCall(protocol, frame, 100_000);
    expect(message.name).toBe("appendBatch");
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
    socket.write(writeStatus(protocol, message, isTaken ? thriftStatus.ok : thriftStatus.failed));
  }
}

const failed = "Flume's answer is OK or FAILED, and FAILED may be OK a moment later: a single event is tried again";
const noIds = "Flume knows no ids: what is sent again is there twice";
recordSinkContract("thrift", () => ThriftWorld.open(), {
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
});

const never = new AbortController().signal;

async function deliver(world: ThriftWorld, config: Readonly<Record<string, unknown>>, count: number): Promise<void> {
  const reading = definition.read({ ...world.config, ...config });
  if (!reading.ok) throw new Error("the config is wrong");
  const sink = await reading.value.create(fakeContext());
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, 1, count));
  const batch = reader.next();
  if (batch !== undefined) await sink.lane(reader).deliver(batch, never);
  await sink.stop();
}

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

test("a batch that is larger than the other side's transactions is taken in halves, each event once", async () => {
  await using world = await ThriftWorld.open();
  world.takesAtOnce(7);
  await deliver(world, {}, 50);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(50));
});

test.each(["compact", "binary"])("the protocol is as the config says: %s", async (protocol) => {
  await using world = await ThriftWorld.open();
  await deliver(world, { batchSize: 10, protocol }, 30);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(30));
  expect([...world.protocols]).toEqual([protocol]);
});

test("an answer that never comes ends with the time-out, and the events stay", async () => {
  await using world = await ThriftWorld.open();
  world.slow(1_000);
  await expect(deliver(world, { requestTimeout: "200ms" }, 3)).rejects.toMatchObject({ severity: "transient" });
});
