import { afterEach, describe, expect, test } from "bun:test";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import { testBatch, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

const path = "/api/v1/relay";
const relayType = "application/vnd.tailgate.record-batches";
const portOf = (run: RunningSource) => Number(run.source.status().port);
const urlOf = (run: RunningSource) => `http://127.0.0.1:${portOf(run)}${path}`;

interface Said {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

async function post(url: string, body: Buffer, init: RequestInit = {}): Promise<Said> {
  const headers = { "content-type": relayType, ...init.headers };
  const response = await fetch(url, { method: "POST", body, ...init, headers });
  return { status: response.status, headers: response.headers, body: Object(await response.json()) };
}

/** A batch of these events, numbered in a lane. */
function batchOf(events: readonly SentEvent[], agent = "gw-1", first = 0): Buffer {
  if (events.length === 0) return Buffer.alloc(0);
  const identity = { agent, epoch: "e1", stream: "driving", lane: 0 };
  const builder = new RecordBatchBuilder({ compression: "zstd", identity });
  builder.begin(first);
  for (const { body, key, eventTimeMs = 0, headers = {} } of events) {
    const buffer = Buffer.from(body, "latin1");
    const [headerNames, headerValues] = [Object.keys(headers), Object.values(headers)];
    builder.append({ buffer, start: 0, end: buffer.length, eventTimeMs, key, headerNames, headerValues });
  }
  return Buffer.from(builder.seal().bytes);
}

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `line ${from + at}`);
/** Lines `from` to below `to`, under these numbers. */
const batch = (from: number, to: number, agent = "gw-1") =>
  batchOf(
    lines(from, to).map((body) => ({ body })),
    agent,
    from,
  );

function meaningOf({ status, body }: Said): SenderHeard {
  if (status === 200) return body.durable === false ? "in memory" : "stored";
  if (status === 429) return "not taken";
  return status === 503 ? "may be taken" : "refused for ever";
}

let senders = 0;

for (const take of ["batches", "events"])
  pushContract(
    `relay, take: ${take}`,
    {
      definition,
      config: { address: "127.0.0.1:0", take },
      twoSenders: { sendersMax: 2 },
      impatient: { answerWithin: "1500ms" },
      send: async (run, events, signal) => {
        try {
          return meaningOf(await post(urlOf(run), batchOf(events, `sender-${senders++}`), { signal: signal ?? null }));
        } catch {
          return "nothing";
        }
      },
      sendGarbage: async (run) => meaningOf(await post(urlOf(run), Buffer.from("no batch"))),
      sendHalf: async (run) => {
        const client = new Client({ port: portOf(run) });
        await client.connected();
        client.send(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${relayType}\r\ncontent-length: 1000\r\n\r\n[`);
        return () => client[Symbol.dispose]();
      },
    },
    { "key, time and headers arrive": "so they do, and the identity with them: see below" },
  );

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

interface World {
  readonly run: RunningSource;
  readonly url: string;
}

async function started(config: object = {}, work = new CommittedWork(), dir: TempDir = tempDir()): Promise<World> {
  const run = runSource({ definition, config: { address: "127.0.0.1:0", ...config }, dataDir: dir.path, work });
  ended.push(async () => void (await run.crash()));
  await until("the source to listen", () => run.isLoaded && portOf(run) > 0);
  return { run, url: urlOf(run) };
}

test("take: events: an event comes with its bytes, key, time and headers, and the identity that it had as its origin", async () => {
  const { run, url } = await started({ take: "events" });
  const sent = { body: "\u0000\u00ff", key: "KA-1", eventTimeMs: 1_700_000_000_000, headers: { area: "north" } };
  expect(await post(url, batchOf([sent, { body: "" }]))).toMatchObject({ status: 200, body: { records: 2 } });
  expect(run.intake.events).toEqual([
    { ...sent, headers: { origin: "gw-1/e1/driving.0/0@1700000000000", area: "north" } },
    { body: "", headers: { origin: "gw-1/e1/driving.0/1@0" } },
  ]);
});

test("an event has no more headers than it may have, and its origin among them", async () => {
  const { run, url } = await started({ take: "events" });
  const headers = Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`h${at}`, "v"]));
  await post(url, batchOf([{ body: "a", headers }]));
  expect(run.intake.events[0]?.headers.origin).toBe("gw-1/e1/driving.0/0@0");
  expect(run.intake.counter("headers_left_out")).toBe(1);
});

test.each([
  [false, "agg/e9/agents.0/7@1", "gw-1/e1/driving.0/0@0", 1],
  [true, "agg/e9/agents.0/7@1", "agg/e9/agents.0/7@1", 0],
  [true, "https://example.com", "gw-1/e1/driving.0/0@0", 1],
])("keepOrigin %p: a record that says origin %s comes from %s", async (keepOrigin, said, origin, replaced) => {
  const { run, url } = await started({ take: "events", keepOrigin });
  await post(url, batchOf([{ body: "a", headers: { origin: said } }]));
  expect(run.intake.events[0]?.headers).toEqual({ origin });
  expect(run.intake.counter("origins_replaced")).toBe(replaced);
});

describe("each record once", () => {
  test("the same batch again is left out, and counted; what comes later than higher numbers is not", async () => {
    const { run, url } = await started();
    for (const body of [batch(0, 10), batch(0, 10), batch(10, 12), Buffer.concat([batch(12, 14), batch(14, 15)])]) {
      expect((await post(url, body)).status).toBe(200);
    }
    // What is in between went to another member of a group.
    expect((await post(url, batch(20, 22))).body).toEqual({ records: 2 });
    expect(run.intake.lines).toEqual([...lines(0, 15), ...lines(20, 22)]);
    expect(run.intake.counter("repeats_left_out")).toBe(10);
    expect((await post(url, batch(15, 20))).body).toEqual({ records: 5 });
    expect(run.intake.lines.slice(17)).toEqual(lines(15, 20));
    expect((await post(url, batch(0, 2, "gw-2"))).status).toBe(200);
    expect(run.intake.lines.slice(22)).toEqual(lines(0, 2));
  });

  test("another batch with numbers that came is taken, and said: an older state of its sender may have been put back", async () => {
    const { run, url } = await started();
    for (const body of [batch(0, 10), batch(5, 12)]) expect((await post(url, body)).body).toMatchObject({});
    expect(run.intake.lines).toEqual([...lines(0, 10), ...lines(5, 12)]);
    expect(run.intake.counter("numbers_again")).toBe(7);
  });

  test("killed: what was stored is not taken again, what was not is", async () => {
    using dir = tempDir();
    const first = await started({}, new CommittedWork(), dir);
    await post(first.url, batch(0, 2));
    first.run.intake.holdCommits();
    const unanswered = post(first.url, batch(2, 4)).catch(() => undefined);
    await until("them to be appended", () => first.run.intake.pending.length === 2);
    const work = await first.run.crash();
    await unanswered;
    const second = await started({}, work, dir);
    for (const body of [batch(0, 2), batch(2, 4), batch(4, 5)]) expect((await post(second.url, body)).status).toBe(200);
    expect(work.lines).toEqual(lines(0, 5));
  });

  test("a repeat that comes while the first is not stored yet is answered when it is", async () => {
    const { run, url } = await started();
    run.intake.holdCommits();
    let answers = 0;
    const both = [1, 2].map(() => post(url, batch(0, 1)).then(({ status }) => (answers += status === 200 ? 1 : 0)));
    await until("one to be appended", () => run.intake.pending.length === 1);
    expect([answers, run.intake.work.lines]).toEqual([0, []]);
    run.intake.unblock();
    await Promise.all(both);
    expect([answers, run.intake.work.lines]).toEqual([2, lines(0, 1)]);
  });
});

test("take: events: a marker is no event: its numbers are counted once, and said", async () => {
  const { run, url } = await started({ take: "events" });
  const lane = testLane("driving");
  const marker = markerOf("gw-1/e1/driving.0/2-6!overflow@1700000000000");
  await post(url, batch(0, 2));
  for (let turn = 0; turn < 2; turn++) expect((await post(url, marker)).body).toEqual({ records: 1 });
  await post(url, Buffer.from(testBatch(lane, { first: 7, count: 1 }).bytes));
  expect(run.intake.lines).toEqual([...lines(0, 2), "line 7"]);
  expect(run.intake.counter("shed_at_origin")).toBe(5);
  expect(run.reports.filter(({ signal }) => signal === "relay_source_shed").map(({ fields }) => fields)).toEqual([
    { component: "test", lane: "gw-1/e1/driving.0", first: 2, last: 6, reason: "overflow", records: 5 },
  ]);
});

function markerOf(...identities: readonly string[]): Buffer {
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(0);
  for (const text of identities) {
    const value = { buffer: Buffer.alloc(0), start: 0, end: 0, eventTimeMs: 1, key: undefined };
    const named = text === "" ? [] : [IDENTITY_HEADER];
    builder.append({ ...value, headerNames: named, headerValues: named.map(() => text) });
  }
  return Buffer.from(builder.seal().bytes);
}

describe("what cannot be taken is refused whole, in words that a sink knows as ours", () => {
  const flipped = (offset: number) => {
    const bytes = batch(0, 3);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    return bytes;
  };
  test.each([
    ["a damaged record", flipped(80), 422],
    ["half a batch", batch(0, 3).subarray(0, -1), 422],
    ["garbage behind a batch", Buffer.concat([batch(0, 3), Buffer.from("more")]), 422],
    ["a record without identity", markerOf(""), 422],
    ["an identity that is none", markerOf("gw-1/e1/driving.0/x@1"), 422],
    ["two lanes", Buffer.concat([batch(0, 3), batch(0, 3, "gw-2")]), 422],
    ["two lanes in a batch", markerOf("gw-1/e1/driving.0/0@1", "gw-1/e1/driving.1/1@1"), 422],
    ["numbers that fall", Buffer.concat([batch(3, 5), batch(0, 3)]), 422],
    ["numbers that no double holds", markerOf("gw-1/e1/driving.0/99999999999999999999@1"), 422],
    ["a marker behind its numbers", markerOf("gw-1/e1/driving.0/4@1", "gw-1/e1/driving.0/2-6!ttl@1"), 422],
    ["more than a body may be", Buffer.alloc(5 * 1024 * 1024), 413],
    ["more than it may be when decompressed", batchOf(bomb()), 413],
  ])("%s", async (_, body, status) => {
    const { run, url } = await started();
    const said = await post(url, body);
    expect([said.status, said.headers.get("content-type")]).toEqual([status, "application/problem+json"]);
    expect(String(said.body.type)).toStartWith("urn:tailgate:EDGE_RELAY_");
    expect(run.intake.lines).toEqual([]);
    expect((await post(url, batch(0, 1))).status).toBe(200);
  });

  test.each([
    ["another path", "/other", {}, 404],
    ["another method", path, { method: "PUT" }, 405],
  ])("%s is not in our words: a sink buries nothing for it", async (_, where, init, status) => {
    const { run } = await started();
    const said = await post(`http://127.0.0.1:${portOf(run)}${where}`, batch(0, 1), init);
    expect([said.status, said.body.type]).toEqual([status, "about:blank"]);
  });

  test("another type of body", async () => {
    const { url } = await started();
    for (const headers of [{ "content-type": "text/plain" }, { "content-encoding": "gzip" }]) {
      expect((await post(url, batch(0, 1), { headers })).status).toBe(415);
    }
  });
});

/** Small on the wire. */
function bomb(): readonly SentEvent[] {
  return Array.from({ length: 20 }, () => ({ body: "x".repeat(500_000) }));
}

describe("who may send", () => {
  test("with a token: it alone; an empty body asks whether it is good", async () => {
    const { run, url } = await started({ tokens: ["old", "new"] });
    const say = (authorization?: string, body: Buffer = Buffer.alloc(0)) =>
      post(url, body, authorization === undefined ? {} : { headers: { authorization } });
    for (const wrong of [undefined, "Bearer", "Bearer nope", "Basic b2xk"]) {
      const said = await say(wrong, batch(0, 1));
      expect([said.status, said.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect((await say("Bearer old")).body).toEqual({ records: 0 });
    expect(run.intake.lines).toEqual([]);
    expect((await say("Bearer new", batch(0, 1))).status).toBe(200);
  });

  test("with certificates: whom the authority has signed, and for the agent of its name alone", async () => {
    using dir = tempDir();
    const { ca, broker: server, client, stranger } = makeCertificates(dir.path);
    const tls = { cert: server.cert, key: server.key, clientCa: ca };
    const { run, url } = await started({ tls, certificateNamesAgent: true });
    const say = (body: Buffer, own: object) =>
      post(url.replace("http:", "https:"), body, { tls: { ca, ...own } } as RequestInit);
    const said = await say(batch(0, 1, "somebody-else"), client);
    expect([said.status, said.body.code]).toEqual([403, "EDGE_RELAY_AGENT"]);
    const own = /certificate names (\S+)/.exec(String(said.body.detail))?.[1] ?? "";
    expect((await say(batch(0, 1, own), client)).status).toBe(200);
    expect(say(batch(0, 1), stranger)).rejects.toThrow();
    expect(say(batch(0, 1), {})).rejects.toThrow();
    expect(run.intake.lines).toEqual(lines(0, 1));
  });

  test("a certificate names an agent only where one is asked for", () => {
    expect(definition.read({ certificateNamesAgent: true })).toMatchObject({ ok: false });
  });
});

test("a channel in memory is said once, and with each answer", async () => {
  using dir = tempDir();
  const run = runSource({ definition, config: { address: "127.0.0.1:0" }, dataDir: dir.path });
  run.intake.durable = false;
  ended.push(async () => void (await run.crash()));
  await until("the source to listen", () => run.isLoaded && portOf(run) > 0);
  expect((await post(urlOf(run), batch(0, 1))).body).toEqual({ records: 1, durable: false });
  expect(run.reports.filter(({ signal }) => signal === "relay_source_not_durable")).toHaveLength(1);
});

test("as much waits as may: 429 with when to come again, in words that leave a group free to go elsewhere", async () => {
  const { run, url } = await started({ sendersMax: 1 });
  run.intake.block();
  const first = post(url, batch(0, 1));
  await until("it to wait", () => run.source.status().waiting === 1);
  const said = await post(url, batch(0, 1, "gw-2"));
  expect([said.status, said.headers.get("retry-after"), said.body.code]).toEqual([429, "1", "EDGE_RELAY_BUSY"]);
  run.intake.unblock();
  expect((await first).status).toBe(200);
});
