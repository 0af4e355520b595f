import { describe, expect, test } from "bun:test";
import { mqttText, packetTypes, publishPacket, readPacketHead, readPublish } from "../../../shared/mqtt/packets.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import {
  type ReceivedEvent,
  recordSinkContract,
  type SinkWorld,
} from "../../testing/contracts/record-sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

/** Some packets of a broker's, by hand. */
const connack = (code: number, properties: readonly number[] = []) =>
  Buffer.from([0x20, 3 + properties.length, 0, code, properties.length, ...properties]);
const puback = (id: number, code = 0, reason = "") => {
  const words = Buffer.from(reason);
  const property = words.length === 0 ? [] : [0x1f, words.length >> 8, words.length & 255, ...words];
  return Buffer.from([0x40, 4 + property.length, id >> 8, id & 255, code, property.length, ...property]);
};

interface Talk {
  bytes: Buffer;
}

/** A broker of MQTT 5 that can be away, slow or picky; a message is an event. */
class MqttWorld implements SinkWorld {
  readonly definition = definition;
  readonly smallWrites = { recordsMax: 10 };
  readonly writersMax = 4;
  readonly topics: string[] = [];
  readonly connects: Buffer[] = [];
  /** MQTT 5's Receive Maximum. */
  inFlightMax = 65_535;
  mostInFlight = 0;
  private readonly events = new Map<string, ReceivedEvent>();
  private readonly port: number;
  private server: Bun.TCPSocketListener<Talk> | undefined;
  private came = 0;
  private messagesUntilAway = Number.POSITIVE_INFINITY;
  private losing = false;
  private waitMs = 0;
  private packetBytesMax = 1_000_000;
  private isLocked = false;
  private inFlight = 0;
  private refuses: (body: string) => boolean = () => false;

  constructor(private readonly more: Readonly<Record<string, unknown>> = {}) {
    this.port = this.listen(0);
  }

  get config() {
    return { broker: `127.0.0.1:${this.port}`, topic: "events", timeout: "15s", ...this.more };
  }

  received(): readonly ReceivedEvent[] {
    return [...this.events.values()];
  }

  arrivals(): number {
    return this.came;
  }

  writeSizes(): readonly number[] {
    return [];
  }

  writersAtOnce(): number {
    return 1;
  }

  away(away: boolean): void {
    this.messagesUntilAway = Number.POSITIVE_INFINITY;
    if (away) {
      this.server?.stop(true);
      this.server = undefined;
    } else if (this.server === undefined) this.listen(this.port);
  }

  /** Writes of ten. */
  awayAfter(writes: number): void {
    this.messagesUntilAway = 10 * writes;
  }

  loseAnswer(): void {
    this.losing = true;
  }

  slow(ms: number): void {
    this.waitMs = ms;
  }

  refuse(wanted: (body: string) => boolean): void {
    this.refuses = wanted;
  }

  refuseAndSay(wanted: (body: string) => boolean): void {
    this.refuses = wanted;
  }

  bytesMax(bytes: number): void {
    this.packetBytesMax = bytes;
  }

  lockOut(): void {
    this.isLocked = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server?.stop(true);
  }

  private listen(port: number): number {
    this.server = Bun.listen<Talk>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => {
          socket.data = { bytes: Buffer.alloc(0) };
        },
        data: (socket, bytes) => this.hear(socket, bytes),
      },
    });
    return this.server.port;
  }

  private hear(socket: Bun.Socket<Talk>, bytes: Buffer): void {
    const { data } = socket;
    data.bytes = Buffer.concat([data.bytes, bytes]);
    for (;;) {
      const head = readPacketHead(data.bytes);
      if (head === "more" || head === undefined || head.end > data.bytes.length) return;
      const whole = data.bytes.subarray(0, head.end);
      data.bytes = data.bytes.subarray(head.end);
      if (head.type === 1) {
        this.connects.push(Buffer.from(whole));
        const { inFlightMax, packetBytesMax } = this;
        const size = [
          0x27,
          ...Buffer.from([packetBytesMax >> 24, packetBytesMax >> 16, packetBytesMax >> 8, packetBytesMax]),
        ];
        socket.write(connack(this.isLocked ? 0x86 : 0, [0x21, inFlightMax >> 8, inFlightMax & 255, ...size]));
      }
      if (head.type !== packetTypes.publish) continue;
      if (this.messagesUntilAway-- <= 0) {
        this.away(true);
        return;
      }
      const message = readPublish(whole, head, "5");
      if (message === undefined) throw new Error("no message");
      this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
      void this.take(socket, message, whole.subarray(message.payloadAt));
    }
  }

  private async take(
    socket: Bun.Socket<Talk>,
    { id = 0, topic, properties }: NonNullable<ReturnType<typeof readPublish>>,
    payload: Buffer,
  ): Promise<void> {
    if (this.waitMs > 0) await Bun.sleep(this.waitMs);
    this.inFlight--;
    const body = payload.toString("latin1");
    if (this.refuses(body)) {
      socket.write(puback(id, 0x99, `"${body}" is not wanted`));
      return;
    }
    this.came++;
    this.topics.push(topic);
    const { id: name = "", time, key, ...headers } = Object.fromEntries(properties);
    if (!this.events.has(name)) this.events.set(name, { id: name, body, timeMs: Number(time), key, headers });
    if (this.losing) {
      this.losing = false;
      socket.terminate();
      return;
    }
    socket.write(puback(id));
  }
}

const oneByOne = "each message has an answer of its own";
recordSinkContract("mqtt", async () => new MqttWorld(), {
  "a destination that says which events it refuses is not asked again for the others": `${oneByOne}; see below`,
  "away while it looks for the refused event: it goes on, and nothing is written twice": `${oneByOne}: it looks for none`,
  "a batch that is too large is written in smaller ones": "a message is an event",
});

const never = new AbortController().signal;

async function opened(world: MqttWorld, changes: Readonly<Record<string, unknown>> = {}) {
  const reading = definition.read({ ...world.config, ...changes });
  if (!reading.ok) throw new Error(`the config is wrong: ${JSON.stringify(reading.issues)}`);
  const sink = await reading.value.create(fakeContext());
  const reader = new ArrayReader(testLane("driving"));
  return { sink, reader, lane: sink.lane(reader) };
}

async function deliver(world: MqttWorld, count: number, changes: Readonly<Record<string, unknown>> = {}) {
  const { sink, reader, lane } = await opened(world, changes);
  reader.put(...testBatches(reader.lane, 1, count));
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  const result = await lane.deliver(batch, never).catch((error: unknown) => error);
  await sink.stop();
  return result;
}

test("a refused message is buried with the broker's words, and the others are not sent again", async () => {
  await using world = new MqttWorld();
  world.refuseAndSay((body) => body === "line 5");
  expect(await deliver(world, 10)).toMatchObject({ kind: "split" });
  expect(world.arrivals()).toBe(9);
});

test("no more are under way than the broker takes, nor than the config says; they arrive in their order", async () => {
  await using world = new MqttWorld();
  world.inFlightMax = 7;
  world.slow(2);
  expect(await deliver(world, 100)).toEqual({ kind: "delivered" });
  expect(world.mostInFlight).toBe(7);
  expect(world.received().map(({ body }) => body)).toEqual(Array.from({ length: 100 }, (_, index) => `line ${index}`));
  await using other = new MqttWorld();
  other.slow(2);
  await deliver(other, 50, { inFlightMax: 3 });
  expect(other.mostInFlight).toBe(3);
});

test("the connection ends with messages under way: those come again, the others do not, and a group is told of both", async () => {
  await using world = new MqttWorld();
  world.inFlightMax = 10;
  world.awayAfter(2);
  const { sink, reader, lane } = await opened(world);
  reader.put(...testBatches(reader.lane, 1, 50));
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  await expect(lane.deliver(batch, never)).rejects.toMatchObject({ severity: "transient" });
  // Twenty that it has; at most ten more that nobody knows of.
  const mayHave = lane.mayHave?.(batch) ?? 0;
  expect(mayHave).toBeGreaterThan(20);
  expect(mayHave).toBeLessThanOrEqual(30);
  world.away(false);
  expect(await lane.deliver(batch, never)).toEqual({ kind: "delivered" });
  expect(world.arrivals()).toBe(50);
  await sink.stop();
});

test("no acknowledgement at all: given up, and the events stay", async () => {
  await using world = new MqttWorld();
  world.slow(3_000);
  expect(await deliver(world, 3, { timeout: "200ms" })).toMatchObject({
    severity: "transient",
    message: expect.stringContaining("no acknowledgement within 200 ms"),
  });
});

test("topics are made of what an event brings, and lead nowhere else", async () => {
  await using world = new MqttWorld();
  const { RecordBatchBuilder } = await import("../../../shared/kafka/record-batch/builder.ts");
  const { sink, reader, lane } = await opened(world, { topic: "v/%{key}/%{kind}/%{stream}/%Y" });
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(0);
  for (const key of ["car-1", "a/+/#", undefined]) {
    const line = Buffer.from("x");
    const header = { headerNames: ["kind"], headerValues: ["al\u0000arm"] };
    builder.append({ buffer: line, start: 0, end: 1, eventTimeMs: 1_700_000_000_000, key, ...header });
  }
  const batch = { ...builder.seal(), id: 1, lane: reader.lane, kind: "records", first: 0 } as const;
  expect(await lane.deliver(batch, never)).toEqual({ kind: "delivered" });
  expect(world.topics).toEqual([
    "v/car-1/al_arm/driving/2023",
    "v/a____/al_arm/driving/2023",
    "v/unknown/al_arm/driving/2023",
  ]);
  expect(world.received()[0]?.headers.kind).toBe("al\uFFFDarm");
  await sink.stop();
});

test("the broker is told who we are, and that it need keep no session", async () => {
  await using world = new MqttWorld();
  await deliver(world, 1, { username: "gw", password: "secret" });
  const said = world.connects[0]?.toString("latin1") ?? "";
  expect(said).toContain("MQTT\u0005\u00c2");
  expect(said).toContain("tailgate-gw-1-");
  expect(said).toContain("secret");
});

test("JSON holds all of an event, for a version that has no place for it", async () => {
  await using world = new MqttWorld({ format: "json", properties: false });
  expect(await deliver(world, 1)).toEqual({ kind: "delivered" });
  const body = JSON.parse(world.received()[0]?.body ?? "");
  expect(body).toMatchObject({ id: "gw-1/e1/driving.0/0", stream: "driving", body: "line 0" });
});

describe("packets", () => {
  test("of a publisher, as the standard has them", () => {
    const message = { topic: "a/b", payload: Buffer.from("hi"), isRetained: false, properties: [["n", "v"]] } as const;
    expect(publishPacket("3.1.1", 258, message).toString("hex")).toBe("3209" + "0003612f62" + "0102" + "6869");
    expect(publishPacket("5", 1, { ...message, isRetained: true }).toString("hex")).toBe(
      "3311" + "0003612f62" + "0001" + "07" + "2600016e000176" + "6869",
    );
  });

  test("texts are such as brokers take", () => {
    expect(mqttText("a\u0000b\u001f\u0085c\uFFFE\uFDD0d é 😀")).toBe("a\uFFFDb\uFFFD\uFFFDc\uFFFD\uFFFDd é 😀");
  });
});

test("noise in the place of a broker is said, and the events stay", async () => {
  using server = Bun.listen({
    hostname: "127.0.0.1",
    port: await freePort(),
    socket: { data: (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n") },
  });
  const reading = definition.read({ broker: `127.0.0.1:${server.port}`, topic: "t", connectTimeout: "500ms" });
  if (!reading.ok) throw new Error("the config is wrong");
  const sink = await reading.value.create(fakeContext());
  const findings = await until("the finding", () => sink.probe?.(never));
  expect(findings).toMatchObject([{ error: { severity: "transient" } }]);
  await sink.stop();
});

test("the config", () => {
  const broker = "h:1883";
  expect(mistakes(definition, { broker, topic: "a/+" })).toHaveLength(1);
  expect(mistakes(definition, { broker, topic: "a/%{" })).toHaveLength(1);
  expect(mistakes(definition, { broker, topic: "t", password: "p" })).toEqual([
    "username: missing: a password needs it",
  ]);
  expect(mistakes(definition, { broker: "h", topic: "t" })).toHaveLength(1);
});
