import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import { SyslogMessage } from "../../../shared/syslog/message.ts";
import { until } from "../../../shared/testing/until.ts";
import type { SinkRecord } from "../../records/record-destination.ts";
import {
  type ReceivedEvent,
  recordSinkContract,
  type SinkWorld,
} from "../../testing/contracts/record-sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { testBatch, testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import { configSchema } from "./config.ts";
import definition from "./index.ts";
import { MessageRenderer } from "./render.ts";

/** A server that reads to the end of each connection and then ends its own; one connection is one write. */
class SyslogWorld implements SinkWorld {
  readonly definition = definition;
  readonly smallWrites = { recordsMax: 10 };
  readonly writersMax = 4;
  private readonly events = new Map<string, ReceivedEvent>();
  private readonly sizes: number[] = [];
  private readonly port: number;
  private server: Bun.TCPSocketListener<{ parts: Buffer[] }> | undefined;
  private came = 0;
  private writesUntilAway = Number.POSITIVE_INFINITY;
  private answersToLose = 0;
  private waitMs = 0;
  private now = 0;
  private most = 0;
  private isOver = false;

  constructor(private readonly more: Readonly<Record<string, unknown>> = {}) {
    this.port = this.listen(0);
  }

  get config() {
    return { hostname: "127.0.0.1", port: this.port, structuredData: "all", timeout: "15s", ...this.more };
  }

  received(): readonly ReceivedEvent[] {
    return [...this.events.values()];
  }

  arrivals(): number {
    return this.came;
  }

  writeSizes(): readonly number[] {
    return this.sizes.toSorted((a, b) => b - a);
  }

  writersAtOnce(): number {
    return this.most;
  }

  away(away: boolean): void {
    this.writesUntilAway = Number.POSITIVE_INFINITY;
    if (away) {
      this.server?.stop(true);
      this.server = undefined;
    } else if (this.server === undefined) this.listen(this.port);
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

  refuse(): void {}
  refuseAndSay(): void {}
  bytesMax(): void {}
  lockOut(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    this.server?.stop(true);
  }

  private listen(port: number): number {
    this.server = Bun.listen<{ parts: Buffer[] }>({
      hostname: "127.0.0.1",
      port,
      allowHalfOpen: true,
      socket: {
        open: (socket) => {
          socket.data = { parts: [] };
        },
        data: (socket, bytes) => void socket.data.parts.push(Buffer.from(bytes)),
        end: (socket) => void this.take(socket, Buffer.concat(socket.data.parts)),
      },
    });
    return this.server.port;
  }

  private async take(socket: Bun.Socket<{ parts: Buffer[] }>, bytes: Buffer): Promise<void> {
    this.most = Math.max(this.most, ++this.now);
    const untilMs = performance.now() + this.waitMs;
    while (performance.now() < untilMs && !this.isOver) await Bun.sleep(5);
    this.now--;
    if (this.writesUntilAway-- <= 0) {
      socket.terminate();
      this.away(true);
      return;
    }
    const events = [...messagesOf(bytes)].map(eventOf);
    if (events.length > 0) this.sizes.push(events.length);
    this.came += events.length;
    for (const event of events) if (!this.events.has(event.id)) this.events.set(event.id, event);
    if (this.answersToLose-- > 0) socket.terminate();
    else socket.end();
  }
}

/** Octet counting. */
function* messagesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(32, at);
    const length = Number(bytes.toString("latin1", at, space));
    expect(length).toBeGreaterThan(0);
    yield bytes.subarray(space + 1, space + 1 + length);
    at = space + 1 + length;
  }
}

/** A message of ours, taken apart as a receiver would. */
function eventOf(message: Buffer): ReceivedEvent {
  const head = new SyslogMessage({ timeZone: "utc", now: () => 0 });
  head.parse(message, 0, message.length);
  const text = message.toString("latin1", head.bodyStart);
  const [, data = "", body = ""] = /^\S+ - - (\[(?:\\.|[^\]\\])*\]|-)(?: |$)([\s\S]*)$/.exec(text) ?? [];
  const parameters = new Map(
    [...data.matchAll(/ ([^ =]+)="((?:\\.|[^"\\])*)"/g)].map(([, name = "", value = ""]) => [
      name,
      value.replaceAll(/\\(.)/g, "$1"),
    ]),
  );
  const { id = "", key, ...headers } = Object.fromEntries(parameters);
  return { id, body, timeMs: head.timeMs ?? 0, key, headers };
}

const lacks = {
  "a refused event is buried alone, with its reason, and the others arrive once": "syslog refuses nothing",
  "refused at both ends and side by side: each is found": "syslog refuses nothing",
  "all refused: all buried, and the next batch goes on": "syslog refuses nothing",
  "a destination that says which events it refuses is not asked again for the others": "syslog refuses nothing",
  "away while it looks for the refused event: it goes on, and nothing is written twice": "syslog refuses nothing",
  "a destination that takes less than was thought: halves are tried, and all arrive":
    "a server cuts in silence; messageBytesMax says what it takes",
  "a single event that is too large is buried, and the others arrive":
    "a server cuts in silence; messageBytesMax says what it takes, and is tried below",
  "wrong credentials are tried again, and lose nothing": "there are none but certificates",
} as const;
recordSinkContract("syslog", async () => new SyslogWorld(), lacks);

const never = new AbortController().signal;

/** Has one batch delivered; answers what came of it. */
async function deliver(config: Readonly<Record<string, unknown>>, reader = new ArrayReader(testLane("driving"))) {
  const reading = definition.read({ hostname: "127.0.0.1", timeout: "5s", ...config });
  if (!reading.ok) throw new Error(`the config is wrong: ${JSON.stringify(reading.issues)}`);
  const sink = await reading.value.create(fakeContext());
  if (reader.heldCount === 0) reader.put(...testBatches(reader.lane, 1, 3));
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  const result = await sink
    .lane(reader)
    .deliver(batch, never)
    .catch((error: unknown) => error);
  await sink.stop();
  return result;
}

test("a server that ends its side before it has read all is no word that it has: the write comes again", async () => {
  // It reads one byte short of everything that the first chunk brings, ends, and the rest finds nobody.
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.once("data", () => {
      socket.destroy();
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const reader = new ArrayReader(testLane("driving"));
  reader.put(testBatch(reader.lane, { first: 0, count: 20, valueBytes: 50_000 }));
  expect(await deliver({ port }, reader)).toMatchObject({ code: "EDGE_DESTINATION_AWAY", severity: "transient" });
  expect(connections).toBe(1);
  server.close();
});

test("with `acknowledge: none` one connection carries all writes", async () => {
  const heard: Buffer[] = [];
  let connections = 0;
  using server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => {
        connections++;
      },
      data: (_socket, bytes) => void heard.push(Buffer.from(bytes)),
    },
  });
  expect(await deliver({ port: server.port, acknowledge: "none", recordsMax: 1 })).toEqual({ kind: "delivered" });
  await until("the messages", () => [...messagesOf(Buffer.concat(heard))].length === 3);
  expect(connections).toBe(1);
});

test("a message that is longer than the server takes is buried alone", async () => {
  await using world = new SyslogWorld({ messageBytesMax: 1_000 });
  const reader = new ArrayReader(testLane("driving"));
  reader.put(testBatch(reader.lane, { first: 0, count: 3, valueBytes: (seq) => (seq === 1 ? 2_000 : 0) }));
  expect(await deliver(world.config, reader)).toMatchObject({ kind: "split" });
  expect(world.received().map(({ body }) => body)).toEqual(["line 0", "line 2"]);
});

test("datagrams: one an event, and one that fits into none is buried", async () => {
  const socket = createSocket("udp4");
  const heard: string[] = [];
  socket.on("message", (bytes) => heard.push(bytes.toString("latin1")));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const reader = new ArrayReader(testLane("driving"));
  reader.put(testBatch(reader.lane, { first: 0, count: 3, valueBytes: (seq) => (seq === 1 ? 70_000 : 0) }));
  expect(await deliver({ port: socket.address().port, transport: "udp" }, reader)).toMatchObject({ kind: "split" });
  await until("the datagrams", () => heard.length === 2);
  expect(heard[0]).toMatch(/^<14>1 2023-11-14T22:13:20\.000Z \S+ driving - - \[tailgate@32473 id="[^"]+"\] line 0$/);
  socket.close();
});

function recordOf(changes: Partial<SinkRecord>): SinkRecord {
  return {
    id: "gw-1/e1/driving.0/7",
    stream: "driving",
    seq: 7,
    timeMs: Date.UTC(2026, 1, 3, 4, 5, 6, 7),
    key: undefined,
    body: Buffer.from("a line"),
    headers: [],
    ...changes,
  };
}

const headersOf = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers).map(([name, value]) => ({ name, value: Buffer.from(value) }));

function rendered(config: Readonly<Record<string, unknown>>, changes: Partial<SinkRecord> = {}): string {
  const renderer = new MessageRenderer(configSchema().parse({ hostname: "h", port: 514, ...config }));
  return Buffer.concat(renderer.framed(renderer.message(recordOf(changes)))).toString("latin1");
}

describe("a message", () => {
  const own = hostname().replaceAll(/[^!-~]/g, "_");

  test.each([
    [{}, {}, `<14>1 2026-02-03T04:05:06.007Z ${own} driving - - [tailgate@32473 id="gw-1/e1/driving.0/7"] a line`],
    [{ structuredData: "none" }, { body: Buffer.alloc(0) }, `<14>1 2026-02-03T04:05:06.007Z ${own} driving - - -`],
    [
      { facility: "local7", severity: "debug", app: "gw/%{missing}", structuredData: "none" },
      { headers: headersOf({ host: "fe80::1" }) },
      "<191>1 2026-02-03T04:05:06.007Z fe80::1 gw/- - - - a line",
    ],
    [
      { structuredData: "none" },
      { headers: headersOf({ Facility: "4", Severity: "2", host: "a b\u00e9" }) },
      "<34>1 2026-02-03T04:05:06.007Z a_b_ driving - - - a line",
    ],
    [
      { structuredData: "none" },
      { headers: headersOf({ Facility: "24", Severity: "x", host: "h" }), timeMs: 1e17 },
      "<14>1 - h driving - - - a line",
    ],
    [
      { structuredData: "all", sdId: "x@1" },
      { key: Buffer.from('a"]\\'), headers: headersOf({ host: "h", "a b=": "c\n" }) },
      '<14>1 2026-02-03T04:05:06.007Z h driving - - [x@1 id="gw-1/e1/driving.0/7" key="a\\"\\]\\\\" host="h" a_b_="c\n"] a line',
    ],
    [
      { format: "3164", timeZone: "utc" },
      { headers: headersOf({ host: "h" }) },
      "<14>Feb  3 04:05:06 h driving: a line",
    ],
  ] as const)("%j %#", (config, changes, text) => {
    expect(rendered(config, changes)).toBe(`${Buffer.byteLength(text, "utf8")} ${text}`);
  });

  test("on a connection of lines a line feed ends it, so one in it is written otherwise", () => {
    const config = { framing: "newline", structuredData: "none" };
    const text = rendered(config, { body: Buffer.from("two\nlines\xff", "latin1"), headers: headersOf({ host: "h" }) });
    expect(text).toBe("<14>1 2026-02-03T04:05:06.007Z h driving - - - two#012lines\xff\n");
  });

  test("is read by the sources as it was written", () => {
    for (const format of ["5424", "3164"]) {
      const config = configSchema().parse({ hostname: "h", port: 1, format, timeZone: "utc", severity: "crit" });
      const message = new MessageRenderer(config).message(recordOf({ headers: headersOf({ host: "web-1" }) }));
      const head = new SyslogMessage({ timeZone: "utc", now: () => Date.UTC(2026, 1, 4) });
      head.parse(message, 0, message.length);
      const timeMs = Date.UTC(2026, 1, 3, 4, 5, 6, format === "5424" ? 7 : 0);
      expect(head).toMatchObject({ isValid: true, hasHeader: true, facility: 1, severity: 2, host: "web-1", timeMs });
    }
  });

  test("carries the identity that the record has", () => {
    const id = /id="([^"]+)"/.exec(rendered({}))?.[1] ?? "";
    expect(id.split("/")).toHaveLength(4);
    expect(parseIdentity(`${id}@0`)).toBeDefined();
  });
});

test("the config", () => {
  expect(mistakes(definition, { hostname: "h", port: 1, transport: "udp", tls: {} })).toHaveLength(1);
  expect(mistakes(definition, { hostname: "h", port: 1, sdId: "a b" })).toHaveLength(1);
  expect(mistakes(definition, { hostname: "h", port: 1, app: "%{" })).toHaveLength(1);
  expect(mistakes(definition, { hostname: "h", port: 1, facility: "local8" })).toHaveLength(1);
});
