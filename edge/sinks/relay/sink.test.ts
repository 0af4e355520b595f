import { afterEach, describe, expect, test } from "bun:test";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { crcMatches } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { findSignature } from "../../../shared/kafka/record-batch/signature.ts";
import { makeSigningKey } from "../../../shared/signature/keys.ts";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Sink } from "../../core/sink.ts";
import { sinkContract } from "../../testing/contracts/sink.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { deliverNext, tryNext } from "../../testing/fakes/deliver-next.ts";
import { testBatch, testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

/** Stands for central: keeps each record once by its identity, and can be told to misbehave. */
class FakeCentral implements AsyncDisposable {
  readonly records = new Map<string, string>();
  readonly bodies: Buffer[] = [];
  readonly headers: Headers[] = [];
  /** Answers of the next requests, before anything is stored; or what happens to the answer after it. */
  readonly next: (Response | "lose answer")[] = [];
  bytesMax = Number.POSITIVE_INFINITY;
  private server: ReturnType<FakeCentral["listen"]>;

  constructor(private readonly tls?: Bun.TLSOptions) {
    this.server = this.listen(0);
  }

  private listen(port: number) {
    return Bun.serve({
      hostname: "127.0.0.1",
      port,
      http2: true,
      ...(this.tls === undefined ? {} : { tls: this.tls }),
      fetch: async (request) => await this.take(request),
    });
  }

  get url(): string {
    return `${this.tls === undefined ? "http" : "https"}://127.0.0.1:${this.server.port}`;
  }

  async away(): Promise<() => void> {
    const port = Number(this.server.port);
    await this.server.stop(true);
    return () => {
      this.server = this.listen(port);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }

  private async take(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/api/v1/relay") return new Response("", { status: 404 });
    const body = Buffer.from(await request.arrayBuffer());
    const said = this.next.shift();
    if (said instanceof Response) return said;
    if (body.length > this.bytesMax) return problem(413);
    this.bodies.push(body);
    this.headers.push(request.headers);
    let records = 0;
    for (const frame of splitBatches(body)) {
      if (!crcMatches(frame.bytes)) return problem(422);
      for (const { value, headers } of decodeRecords(frame.bytes)) {
        const identity = headers.find(({ name }) => name === "tg")?.value.toString() ?? "";
        if (parseIdentity(identity) === undefined) return problem(422);
        this.records.set(identity, value.toString());
        records++;
      }
    }
    if (said === "lose answer") return new Response("", { status: 502 });
    return Response.json({ records });
  }
}

const opened: (AsyncDisposable | { stop(): Promise<void> })[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) {
    if ("stop" in each) await each.stop();
    else await each[Symbol.asyncDispose]();
  }
});

async function sinkTo(url: string, config: Readonly<Record<string, unknown>> = {}): Promise<Sink> {
  const reading = definition.read({ url, timeout: "2s", ...config });
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  const sink = await reading.value.create(fakeContext());
  opened.push(sink);
  return sink;
}

function centralOf(tls?: Bun.TLSOptions): FakeCentral {
  const central = new FakeCentral(tls);
  opened.push(central);
  return central;
}

async function laneTo(central: FakeCentral, config: Readonly<Record<string, unknown>> = {}) {
  const reader = new ArrayReader(testLane("driving"));
  const sink = await sinkTo(central.url, config);
  return { reader, sink, delivery: sink.lane(reader) };
}

/** As central says it. */
const problem = (status: number) => Response.json({ type: "urn:tailgate:CENTRAL_RELAY_X", status }, { status });
const no = (status: number, headers: Record<string, string> = {}) => new Response("no", { status, headers });

sinkContract("relay", async () => {
  const central = new FakeCentral();
  return {
    sink: await sinkTo(central.url),
    received: async () => [...central.records.values()],
    failNext: (when) => void central.next.push(when === "before" ? no(502) : "lose answer"),
    takeAway: () => void central.away(),
    dispose: async () => await central[Symbol.asyncDispose](),
  };
});

describe("the relay sink", () => {
  test("sends the bytes of the channel as they are, also what another member of a group had stamped", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 2, 50));
    const first = reader.next();
    if (first === undefined) throw new Error("nothing put");
    const stamped = { ...first, bytes: Buffer.from(first.bytes) };
    stamped.bytes.writeBigInt64BE(7n, 43);
    stamped.bytes.writeInt32BE(stamped.bytes.length + 72, 8);
    await delivery.deliver(stamped, new AbortController().signal);
    await deliverNext(delivery, reader);
    expect(central.bodies).toEqual([first.bytes, first.bytes]);
    expect(central.headers[0]?.get("content-type")).toBe("application/vnd.tailgate.record-batches");
  });

  test("a marker of what policy shed is sent too: central's books need it", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(testBatch(reader.lane, { first: 0, count: 5, kind: "shed" }));
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect(central.bodies).toHaveLength(1);
  });

  test.each([
    [401, "EDGE_DESTINATION_AUTH"],
    [403, "EDGE_DESTINATION_AUTH"],
    [404, "EDGE_DESTINATION_WRONG"],
    [409, "EDGE_DESTINATION_WRONG"],
    [301, "EDGE_DESTINATION_WRONG"],
    [408, "EDGE_DESTINATION_AWAY"],
    [429, "EDGE_DESTINATION_BUSY"],
    [500, "EDGE_DESTINATION_AWAY"],
    [503, "EDGE_DESTINATION_AWAY"],
  ])("%d keeps the batch: %s, and the same goes again", async (status, code) => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 3));
    central.next.push(no(status));
    expect(await tryNext(delivery, reader)).toMatchObject({ code, severity: "transient" });
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect([...central.records.values()]).toEqual(["line 0", "line 1", "line 2"]);
    expect(reader.buried).toEqual([]);
  });

  const json = (value: unknown, status = 200) => Response.json(value, { status });
  test.each([
    ["the login page of a network", () => new Response("<html>please log in</html>")],
    ["an empty 200", () => new Response("")],
    ["a 204", () => new Response(null, { status: 204 })],
    ["somebody's JSON", () => json({ ok: true })],
    ["fewer records than were sent", () => json({ records: 2 })],
    ["more records than were sent", () => json({ records: 4 })],
    ["a proxy's 400", () => no(400)],
    ["a proxy's 422", () => json({ type: "about:blank" }, 422)],
  ])("%s is not central's word: nothing leaves the channel, however often it comes", async (_, answer) => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 3));
    for (let turn = 0; turn < 5; turn++) {
      central.next.push(answer());
      expect(await tryNext(delivery, reader)).toMatchObject({ code: "EDGE_DESTINATION_WRONG", severity: "transient" });
    }
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect([...central.records.values()]).toEqual(["line 0", "line 1", "line 2"]);
    expect(reader.buried).toEqual([]);
  });

  test("a proxy's limit cuts batches, and buries nothing", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 2));
    central.next.push(no(413), no(413));
    expect(await tryNext(delivery, reader)).toBe("split");
    expect(await tryNext(delivery, reader)).toMatchObject({ code: "EDGE_DESTINATION_WRONG" });
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect([...central.records.values()]).toEqual(["line 0", "line 1"]);
    expect(reader.buried).toEqual([]);
  });

  test("check --connect takes nobody else for central", async () => {
    const central = centralOf();
    const { sink } = await laneTo(central);
    central.next.push(new Response("<html>please log in</html>"));
    expect(await sink.probe?.(new AbortController().signal)).toMatchObject([
      { error: { code: "EDGE_DESTINATION_WRONG" } },
    ]);
  });

  test("Retry-After is waited for, and not by a whole fleet in the same moment", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 1));
    const waits: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      central.next.push(no(503, { "retry-after": "2" }));
      const error = await tryNext(delivery, reader);
      waits.push(error instanceof Error ? (error.retryAfterMs ?? 0) : 0);
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(4_000);
    expect(new Set(waits).size).toBe(5);
  });

  test("too large: cut in two until it fits; a single record that does not is buried with its reason", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    const valueBytes = (seq: number) => (seq === 5 ? 4_000 : 100);
    reader.put(testBatch(reader.lane, { first: 0, count: 8, valueBytes, compression: "none" }));
    central.bytesMax = 2_000;
    while ((await deliverNext(delivery, reader)) !== undefined);
    expect(central.records.size).toBe(7);
    expect(reader.buried.map(({ batch, reason }) => [batch.first, batch.count, reason])).toEqual([
      [5, 1, expect.stringContaining("413")],
    ]);
  });

  test("what central cannot read is sent again, twice, then buried as a whole, and the next goes on", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 2, 4));
    central.next.push(problem(422), problem(422), problem(422));
    expect(await tryNext(delivery, reader)).toMatchObject({ severity: "transient" });
    expect(await tryNext(delivery, reader)).toMatchObject({ severity: "transient" });
    expect(await tryNext(delivery, reader)).toBe("refused");
    expect(await tryNext(delivery, reader)).toBe("delivered");
    expect(reader.buried.map(({ batch }) => [batch.first, batch.count])).toEqual([[0, 4]]);
    central.next.push(problem(422));
    reader.put(testBatch(reader.lane, { first: 8, count: 1 }));
    expect(await tryNext(delivery, reader)).toMatchObject({ severity: "transient" });
    expect(await tryNext(delivery, reader)).toBe("delivered");
  });

  test("records without an identity stop the lane before anything is sent, and say what to do", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
    builder.begin(0);
    builder.append({
      buffer: Buffer.from("a"),
      start: 0,
      end: 1,
      eventTimeMs: 1,
      key: undefined,
      headerNames: [],
      headerValues: [],
    });
    reader.put({ ...builder.seal(), lane: reader.lane, kind: "records", first: 0 });
    expect(await tryNext(delivery, reader)).toMatchObject({ code: "EDGE_RELAY_IDENTITY", severity: "fatal" });
    expect(central.bodies).toEqual([]);
  });

  test("a group is told what central may have: all of a batch without an answer, nothing of one that was put off", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 3));
    const batch = reader.next();
    if (batch === undefined) throw new Error("nothing put");
    const mayHave = () => delivery.mayHave?.(batch);
    expect(mayHave()).toBe(0);
    central.next.push(no(429));
    await tryNext(delivery, reader);
    expect(mayHave()).toBe(0);
    central.next.push("lose answer");
    await tryNext(delivery, reader);
    expect(mayHave()).toBe(3);
    await await central.away();
    await tryNext(delivery, reader);
    expect(mayHave()).toBe(3);
  });

  test("central away: the lane is woken within a second or so of its return", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central);
    reader.put(...testBatches(reader.lane, 1, 3));
    const back = await central.away();
    expect(await tryNext(delivery, reader)).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
    const woken = delivery.back?.(new AbortController().signal);
    back();
    await woken;
    expect(await tryNext(delivery, reader)).toBe("delivered");
  });

  test("a central that takes the body and never answers is given up, and the batch goes again", async () => {
    await using silent = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) });
    const reader = new ArrayReader(testLane("driving"));
    reader.put(...testBatches(reader.lane, 1, 1));
    const delivery = (await sinkTo(String(silent.url), { timeout: "1s" })).lane(reader);
    expect(await tryNext(delivery, reader)).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
    await silent.stop(true);
  });

  test("signs each batch where it has a key, and the stored one stays as it is", async () => {
    const central = centralOf();
    const { reader, delivery } = await laneTo(central, { signingKey: makeSigningKey() });
    reader.put(testBatch(reader.lane, { first: 0, count: 3, compression: "none" }));
    expect(await tryNext(delivery, reader)).toBe("delivered");
    const [body] = central.bodies;
    expect(body && crcMatches(body)).toBe(true);
    expect(body && findSignature(body)).toBeDefined();
    expect(central.records.size).toBe(3);
  });

  test("the key is sent, and check --connect says whether it is good", async () => {
    const central = centralOf();
    const { sink } = await laneTo(central, { token: "secret" });
    const probe = async () => await sink.probe?.(new AbortController().signal);
    expect(await probe()).toMatchObject([{ says: expect.stringContaining("takes our key") }]);
    expect(central.headers[0]?.get("authorization")).toBe("Bearer secret");
    central.next.push(no(401));
    expect(await probe()).toMatchObject([{ error: { code: "EDGE_DESTINATION_AUTH" } }]);
    await central.away();
    expect(await probe()).toMatchObject([{ error: { code: "EDGE_DESTINATION_AWAY" } }]);
    expect(central.records.size).toBe(0);
  });
});

describe("over TLS", () => {
  const dir = tempDir("tailgate-relay-");
  const { ca, otherCa, broker: server, client, stranger } = makeCertificates(dir.path);
  const mutual = { ...server, ca, requestCert: true, rejectUnauthorized: true };

  test.each(["1.1", "2"])("HTTP/%s, with our own certificate where central asks for one", async (http) => {
    const central = centralOf(mutual);
    const { reader, delivery } = await laneTo(central, { http, tls: { ca, ...client } });
    reader.put(...testBatches(reader.lane, 2, 3));
    expect([await tryNext(delivery, reader), await tryNext(delivery, reader)]).toEqual(["delivered", "delivered"]);
    expect(central.records.size).toBe(6);
  });

  test.each([
    ["a central that our authority did not sign", { ca: otherCa, ...client }, "EDGE_DESTINATION_TLS"],
    ["no certificate of our own", { ca }, "EDGE_DESTINATION_TLS"],
    ["one that central does not trust", { ca, ...stranger }, "EDGE_DESTINATION_AWAY"],
  ])("%s: nothing is sent, and it is tried again", async (_, tls, code) => {
    const central = centralOf(mutual);
    const { reader, delivery } = await laneTo(central, { tls });
    reader.put(...testBatches(reader.lane, 1, 3));
    expect(await tryNext(delivery, reader)).toMatchObject({ code });
    expect(central.bodies).toEqual([]);
  });
});

test("many lanes at once, each in order", async () => {
  const central = centralOf();
  const sink = await sinkTo(central.url);
  const readers = Array.from({ length: 20 }, (_, number) => new ArrayReader(testLane("d", { id: number + 1, number })));
  for (const reader of readers) reader.put(...testBatches(reader.lane, 5, 3));
  await Promise.all(
    readers.map(async (reader) => {
      const delivery = sink.lane(reader);
      while ((await deliverNext(delivery, reader)) !== undefined);
    }),
  );
  await until(
    "all to be there",
    () => central.records.size,
    (size) => size === 300,
  );
});

test("the config: what fits what", () => {
  const url = "http://127.0.0.1:8080";
  expect(mistakes(definition, { url })).toEqual([]);
  expect(mistakes(definition, { url, http: "2" })).toEqual([
    "http: HTTP/2 is agreed on in TLS: write https, or leave it at 1.1",
  ]);
  expect(mistakes(definition, { url, tls: {} })).toHaveLength(1);
  expect(mistakes(definition, { url: "http://u:p@127.0.0.1/" })).toHaveLength(1);
  expect(mistakes(definition, { url, signingKey: "no key" })).toHaveLength(1);
  const token = ["token: a token has letters, digits and signs of ASCII, without spaces or line ends"];
  expect(mistakes(definition, { url, token: "k\u00e9y" })).toEqual(token);
  expect(mistakes(definition, { url, token: "two\nlines" })).toEqual(token);
});
