import { expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { AvroReader, AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { type FlumeEvent, readEvents } from "../../../shared/avro-rpc/flume-events.ts";
import { hashOf, protocolText, speaksFlume, status } from "../../../shared/avro-rpc/flume-protocol.ts";
import { readFrame, writeFrame } from "../../../shared/avro-rpc/frames.ts";
import { readHandshakeRequest, skipMeta, writeHandshakeResponse } from "../../../shared/avro-rpc/handshake.ts";
import {
  type ReceivedEvent,
  recordSinkContract,
  type SinkWorld,
} from "../../testing/contracts/record-sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

/** A Flume's Avro source that can be away, slow or full. It knows no ids: what is there twice came twice. */
class AvroWorld implements SinkWorld {
  readonly definition = definition;
  readonly smallWrites = { batchSize: 10 };
  readonly writersMax = 4;
  readonly events: FlumeEvent[] = [];
  /** Whether the server knows the client's protocol without being told. */
  knows = false;
  handshakes = 0;
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

  static open(): Promise<AvroWorld> {
    return new Promise((resolve) => {
      const server = createServer();
      const world = new AvroWorld(server);
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
    let agreed = false;
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let frame = readFrame(bytes, 1e8); frame !== undefined; frame = readFrame(bytes, 1e8)) {
        bytes = bytes.subarray(frame.length);
        const reader = new AvroReader(frame.payload);
        const writer = new AvroWriter();
        if (!agreed) {
          this.handshakes++;
          const { clientProtocol = "" } = readHandshakeRequest(reader);
          agreed = this.knows || speaksFlume(clientProtocol);
          writeHandshakeResponse(writer, agreed ? "client" : "none", {
            text: protocolText,
            hash: hashOf(protocolText),
          });
        }
        if (agreed) void this.take(reader, writer, socket, frame.serial);
        else socket.write(writeFrame(frame.serial, writer.written));
      }
    });
  }

  private async take(reader: AvroReader, writer: AvroWriter, socket: Socket, serial: number): Promise<void> {
    this.most = Math.max(this.most, ++this.now);
    if (this.waitMs > 0) await Bun.sleep(Math.min(this.waitMs, 2_000));
    this.now--;
    skipMeta(reader);
    expect(reader.string()).toBe("appendBatch");
    const events = readEvents(reader, 100_000);
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
    writer.long(0).boolean(false);
    socket.write(writeFrame(serial, writer.long(isTaken ? status.ok : status.failed).written));
  }
}

const failed = "Flume's answer is OK or FAILED, and FAILED may be OK a moment later: a single event is tried again";
const noIds = "Flume knows no ids: what is sent again is there twice";
recordSinkContract("avro", () => AvroWorld.open(), {
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

async function deliver(world: AvroWorld, config: Readonly<Record<string, unknown>>, count: number): Promise<void> {
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
  await using world = await AvroWorld.open();
  world.takesAtOnce(7);
  await deliver(world, {}, 50);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(50));
});

test.each([[true], [false]])("a server that knows our protocol: %p", async (knows) => {
  await using world = await AvroWorld.open();
  world.knows = knows;
  await deliver(world, { batchSize: 10 }, 30);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(30));
  expect(world.handshakes).toBe(knows ? 1 : 2);
});

test("an answer that never comes ends with the time-out, and the events stay", async () => {
  await using world = await AvroWorld.open();
  world.slow(1_000);
  await expect(deliver(world, { requestTimeout: "200ms" }, 3)).rejects.toMatchObject({ severity: "transient" });
});
