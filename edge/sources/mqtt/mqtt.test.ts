import { afterEach, describe, expect, test } from "bun:test";
import {
  connectPacket,
  readConnack,
  readPacketHead,
  readPublish,
  readSuback,
  subscribePacket,
} from "../../../shared/mqtt/packets.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import { configSchema } from "./config.ts";
import definition from "./index.ts";

/** A broker that says what a test tells it to. */
class ScriptedBroker implements Disposable {
  readonly heard: Buffer[] = [];
  connections = 0;
  /** Answers to CONNECT and to SUBSCRIBE. */
  connack = Buffer.from([0x20, 3, 0, 0, 0]);
  suback = Buffer.from([0x90, 4, 0, 1, 0, 1]);
  private socket: Bun.Socket | undefined;
  private readonly server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        this.connections++;
        this.socket = socket;
      },
      data: (socket, bytes) => {
        this.heard.push(bytes);
        if (bytes[0] === 0x10) socket.write(this.connack);
        if (bytes[0] === 0x82) socket.write(this.suback);
      },
    },
  });

  get address(): string {
    return `127.0.0.1:${this.server.port}`;
  }

  say(...parts: readonly Buffer[]): void {
    this.socket?.write(Buffer.concat(parts));
  }

  drop(): void {
    this.socket?.terminate();
  }

  /** Packet ids that were acknowledged, in order. */
  get acknowledged(): readonly number[] {
    const all = Buffer.concat(this.heard.filter((bytes) => bytes[0] === 0x40));
    return Array.from({ length: all.length / 4 }, (_, index) => all.readUInt16BE(index * 4 + 2));
  }

  [Symbol.dispose](): void {
    this.server.stop(true);
  }
}

/** A message of MQTT 5. */
function publish(
  id: number,
  topic: string,
  payload: string | Buffer,
  more: { flags?: number; properties?: Buffer } = {},
) {
  const name = Buffer.from(topic);
  const { flags = 2, properties = Buffer.alloc(0) } = more;
  const body = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    ...(flags & 6 ? [Buffer.from([id >> 8, id & 255])] : []),
    Buffer.from([properties.length]),
    properties,
    Buffer.from(payload),
  ]);
  const length: number[] = [];
  for (let left = body.length; left > 0 || length.length === 0; left = Math.floor(left / 128)) {
    length.push((left % 128) | (left >= 128 ? 128 : 0));
  }
  return Buffer.concat([Buffer.from([0x30 | flags, ...length]), body]);
}

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

function world(config: Readonly<Record<string, unknown>> = {}, work = new CommittedWork()) {
  const dir = tempDir();
  const broker = new ScriptedBroker();
  const run = runSource({
    definition,
    config: { broker: broker.address, topics: ["a/#"], ...config },
    dataDir: dir.path,
    work,
  });
  ended.push(async () => {
    run.intake.unblock();
    await run.crash();
    broker[Symbol.dispose]();
    dir[Symbol.dispose]();
  });
  return { broker, run, dir };
}

const connected = (run: RunningSource, times = 1) =>
  until("the subscription", () => run.isLoaded && Number(run.source.status().connects) >= times);

describe("mqtt", () => {
  test("its example is a valid config", () => {
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ broker: "h", topics: ["a"] })).toMatchObject({ ok: false });
  });

  test.each([
    ["a/+/b", true],
    ["#", true],
    ["a/#", true],
    ["$share/g/a/+", true],
    ["a+", false],
    ["a/#/b", false],
    ["a/b#", false],
    ["", false],
  ])("the filter %p is valid: %p", (filter, valid) => {
    expect(configSchema().safeParse({ broker: "h:1", topics: [filter] }).success).toBe(valid);
  });

  test("a message is acknowledged after the commit that holds it, many in one", async () => {
    const { broker, run } = world({ key: "topic" });
    await connected(run);
    run.intake.holdCommits();
    const properties = Buffer.from([0x26, 0, 1, 110, 0, 1, 118, 0x01, 1]);
    broker.say(
      publish(7, "a/1", "one", { properties }),
      publish(8, "a/2", ""),
      publish(0, "a/3", "\u0000\u00ff", { flags: 0 }),
    );
    await until("them to be appended", () => run.intake.pending.length === 3);
    await Bun.sleep(30);
    expect(broker.acknowledged).toEqual([]);
    run.intake.unblock();
    await until("the answers", () => broker.acknowledged.length === 2);
    expect(broker.acknowledged).toEqual([7, 8]);
    expect(run.intake.events).toMatchObject([
      { body: "one", key: "a/1", headers: { topic: "a/1", n: "v" } },
      { body: "", headers: { topic: "a/2" } },
      { body: Buffer.from("\u0000\u00ff").toString("latin1"), headers: { topic: "a/3" } },
    ]);
  });

  test("in pieces, and too long: cut, counted, acknowledged, and others go on", async () => {
    const { broker, run } = world();
    await connected(run);
    const all = Buffer.concat([publish(1, "a", "x".repeat(3_000_000)), publish(2, "a", "after")]);
    for (let at = 0; at < all.length; at += 400_001) {
      broker.say(all.subarray(at, at + 400_001));
      await Bun.sleep(5);
    }
    await until("the answers", () => broker.acknowledged.length === 2);
    expect(run.intake.lines.map((line) => line.length)).toEqual([512 * 1024, 5]);
    expect([run.intake.counter("cut"), run.intake.counter("cut_bytes")]).toEqual([1, 3_000_000 - 512 * 1024]);
  });

  test("when the connection ends it comes back, and what comes again is counted", async () => {
    const { broker, run } = world();
    await connected(run);
    broker.say(publish(1, "a", "one"));
    await until("the answer", () => broker.acknowledged.length === 1);
    broker.drop();
    await connected(run, 2);
    broker.say(publish(1, "a", "one", { flags: 10 }));
    await until("the answer", () => broker.acknowledged.length === 2);
    expect(run.intake.counter("maybe_repeated")).toBe(1);
    const subscriptions = () => broker.heard.filter((bytes) => bytes[0] === 0x82).length;
    expect(subscriptions()).toBe(2);
    // With a session that the broker kept, nothing is subscribed to again: retained messages would come once more.
    broker.connack = Buffer.from([0x20, 3, 1, 0, 0]);
    broker.drop();
    await connected(run, 3);
    expect(subscriptions()).toBe(2);
  });

  test.each([
    ["a wrong password", { connack: Buffer.from([0x20, 3, 0, 0x86, 0]) }, "user or password are wrong"],
    [
      "a topic that is not allowed",
      { suback: Buffer.from([0x90, 4, 0, 1, 0, 0x87]) },
      "subscribe to a/#: this client is not allowed",
    ],
    ["another protocol", { connack: Buffer.from("HTTP/1.1 400\r\n\r\n") }, "it does not answer as one"],
  ])("%s is said, and tried again", async (_what, answers, words) => {
    const { broker, run } = world({ connectTimeout: "300ms" });
    Object.assign(broker, answers);
    await until("two tries", () => broker.connections >= 2);
    expect(run.reports.filter(({ signal }) => signal === "mqtt_away")).toMatchObject([
      { fields: { error: expect.stringContaining(words) } },
    ]);
  });

  test("a broker that is away is said once, and tried again", async () => {
    using dir = tempDir();
    await using run = runSource({ definition, config: { broker: "127.0.0.1:1", topics: ["a"] }, dataDir: dir.path });
    await until("the words", () => run.reports.length > 0);
    expect(run.reports.map(({ signal }) => signal)).toEqual(["mqtt_away"]);
  });

  test("noise after the login ends the connection, not the source", async () => {
    const { broker, run } = world();
    await connected(run);
    broker.say(Buffer.from([0, 0, 0, 0]));
    await connected(run, 2);
    broker.say(publish(1, "a", "one"));
    await until("the answer", () => broker.acknowledged.length === 1);
  });

  test("while the channel is full nothing is acknowledged, and a stop is not held up", async () => {
    const { broker, run } = world();
    await connected(run);
    run.intake.block();
    broker.say(publish(1, "a", "one"));
    await until("it to wait", () => run.intake.waits > 0);
    await Bun.sleep(30);
    expect([run.intake.lines, broker.acknowledged]).toEqual([[], []]);
    await run.crash();
  });
});

describe("packets", () => {
  test("of a client, as the standard has them", () => {
    const words = {
      clientId: "c",
      keepAliveSeconds: 60,
      sessionExpirySeconds: 10,
      inFlightMax: 20,
      username: "u",
      password: "p",
    };
    expect(connectPacket({ ...words, version: "3.1.1" }).toString("hex")).toBe(
      "101300044d51545404c0003c0001630001750001" + "70",
    );
    expect(connectPacket({ ...words, version: "5" }).toString("hex")).toBe(
      "101c00044d51545405c0003c08110000000a2100140001630001750001" + "70",
    );
    expect(subscribePacket("5", 1, ["a"], 1).toString("hex")).toBe("82070001000001" + "6111");
  });

  test("are not read before they are whole, and never beyond", () => {
    expect(readPacketHead(Buffer.from([]))).toBe("more");
    expect(readPacketHead(Buffer.from([0x30, 0x80]))).toBe("more");
    expect(readPacketHead(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBeUndefined();
    expect(readPacketHead(Buffer.from([0x00, 0]))).toBeUndefined();
    const whole = publish(1, "topic", "x", { properties: Buffer.from([0x0b, 0x80, 1, 0x03, 0, 1, 97]) });
    const head = readPacketHead(whole);
    if (head === "more" || head === undefined) throw new Error("the head is not read");
    expect(readPublish(whole, head, "5")).toMatchObject({
      topic: "topic",
      id: 1,
      properties: [],
      payloadAt: whole.length - 1,
    });
    for (let length = 0; length < whole.length - 1; length++) {
      expect(readPublish(whole.subarray(0, length), head, "5")).toBeUndefined();
    }
    for (let byte = 0; byte < whole.length; byte++) {
      const damaged = Buffer.from(whole);
      damaged[byte] = 255;
      const read = readPublish(damaged, head, "5");
      expect(read === undefined || read.payloadAt <= damaged.length).toBe(true);
    }
    expect(readConnack(Buffer.from([0x20, 1, 0]), { type: 2, flags: 0, bodyAt: 2, end: 3 })).toBeUndefined();
    expect(readSuback(Buffer.from([0x90, 3, 0, 1, 9]), { type: 9, flags: 0, bodyAt: 2, end: 5 }, "5")).toBeUndefined();
  });
});
