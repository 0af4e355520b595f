import { describe, expect, test } from "bun:test";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => Number(run.source.status().port);
const urlOf = (run: RunningSource, path = "/") => `http://127.0.0.1:${portOf(run)}${path}`;

interface Said {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Headers;
}

async function post(url: string, body: string | Buffer, init: RequestInit = {}): Promise<Said> {
  const response = await fetch(url, { method: "POST", body, ...init });
  return { status: response.status, headers: response.headers, body: Object(await response.json()) };
}

function meaningOf({ status, body }: Said): SenderHeard {
  if (status === 200) return body.durable === true ? "stored" : "in memory";
  if (status === 503) return "not taken";
  return status === 504 ? "may be taken" : "refused for ever";
}

const flumeEvent = ({ body, headers, key, eventTimeMs }: SentEvent) => ({ body, headers, key, timestamp: eventTimeMs });

pushContract(
  "http",
  {
    definition,
    config: { address: "127.0.0.1:0" },
    twoSenders: { sendersMax: 2 },
    impatient: { answerWithin: "1500ms" },
    send: async (run, events, signal) => {
      try {
        return meaningOf(await post(urlOf(run), JSON.stringify(events.map(flumeEvent)), { signal: signal ?? null }));
      } catch {
        return "nothing";
      }
    },
    sendGarbage: async (run) => meaningOf(await post(urlOf(run), "{ no json")),
    sendHalf: async (run) => {
      const client = new Client({ port: portOf(run) });
      await client.connected();
      client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n[");
      return () => client[Symbol.dispose]();
    },
  },
  { "bytes pass untouched": "Flume's JSON holds characters; the formats lines and blob pass bytes, see below" },
);

/** A source with this config, and its end. */
async function started(config: Readonly<Record<string, unknown>> = {}) {
  const dir = tempDir();
  const run = runSource({ definition, config: { address: "127.0.0.1:0", ...config }, dataDir: dir.path });
  await until("the source to listen", () => portOf(run) > 0);
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      await run.crash();
      dir[Symbol.dispose]();
    },
  };
}

/** Sends bytes, waits for so many answers, and, when `ends`, for the end of the connection. */
async function raw(run: RunningSource, expected: { answers: number; ends: boolean }, ...pieces: readonly string[]) {
  using client = new Client({ port: portOf(run) });
  for (const piece of pieces) {
    client.send(piece);
    await Bun.sleep(5);
  }
  const statuses = () => [...client.heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]));
  const all = () => client.isLeft || (statuses().length >= expected.answers && client.heard.endsWith("\n"));
  await until("the answers", () => all() && (client.isLeft || !expected.ends));
  return { statuses: statuses(), left: client.isLeft };
}

describe("formats", () => {
  const odd = Buffer.from([0, 255, 254, 10, 32, 13]);

  test("blob: the body is the event, the query its headers", async () => {
    await using world = await started({ format: "blob", queryHeaders: true, key: "query:car" });
    expect(await post(urlOf(world.run, "/?car=KA-1&area=n%20w"), odd)).toMatchObject({
      status: 200,
      body: { events: 1 },
    });
    expect(world.run.intake.events).toEqual([
      { body: odd.toString("latin1"), headers: { car: "KA-1", area: "n w" }, key: "KA-1" },
    ]);
  });

  test("lines: bytes pass untouched, the last one needs no line feed", async () => {
    await using world = await started({ format: "lines", headers: { who: "header:User-Agent" } });
    const body = Buffer.from("\u00ff\u0000\r\n\n  \nlast", "latin1");
    await post(urlOf(world.run), body, { headers: { "user-agent": "robot" } });
    expect(world.run.intake.events).toEqual(
      ["\u00ff\u0000", "", "  ", "last"].map((each) => ({ body: each, headers: { who: "robot" } })),
    );
  });

  test("ndjson: lines as they are written, and which one is wrong", async () => {
    await using world = await started({ format: "ndjson" });
    expect(await post(urlOf(world.run), '{"a": 1}\n\n[2]\n')).toMatchObject({ status: 200, body: { events: 2 } });
    expect(await post(urlOf(world.run), '{"a":1}\n{"a":\n')).toMatchObject({ status: 400, body: { index: 1 } });
    expect(world.run.intake.lines).toEqual(['{"a": 1}', "[2]"]);
  });

  test.each([
    ["{}", 400, undefined],
    ['[{"body":"a"},{"body":7}]', 400, 1],
    ['[{"headers":[]}]', 400, 0],
    ['[{"headers":{"a":{}}}]', 400, 0],
    ['[{"key":1}]', 400, 0],
    ['[{"timestamp":"now"}]', 400, 0],
    ["[null]", 400, 0],
    ["\u00ff", 400, undefined],
    [`[{"body":"a"},{"body":"${"x".repeat(512 * 1024 + 1)}"}]`, 413, 1],
    [`[${"{},".repeat(100_001)}{}]`, 413, undefined],
    ["[".repeat(100_000), 400, undefined],
  ])("flume_json: %.40s is refused", async (body, status, index) => {
    await using world = await started();
    const said = await post(urlOf(world.run), Buffer.from(body, "latin1"));
    expect([said.status, said.body.index]).toEqual([status, index]);
    expect(world.run.intake.lines).toEqual([]);
  });

  test("a header called __proto__ is a header like any other, in a body and in a query", async () => {
    await using json = await started({ format: "flume_json", queryHeaders: true });
    await post(
      `${urlOf(json.run)}?__proto__=q`,
      '[{"headers":{"a":"1"}},{"headers":{"__proto__":"x","toString":"y"}}]',
    );
    expect(json.run.intake.events.map(({ headers }) => Object.entries(headers))).toEqual([
      [
        ["__proto__", "q"],
        ["a", "1"],
      ],
      [
        ["__proto__", "x"],
        ["toString", "y"],
      ],
    ]);
  });

  test("flume_json: other charsets, numbers as headers, what Flume leaves out", async () => {
    await using world = await started();
    const body = '[{"headers":{"n":1,"b":true},"body":"\u00e9","more":{}},{}]';
    const said = await post(urlOf(world.run), Buffer.from(body, "utf16le"), {
      headers: { "content-type": "application/json; charset=UTF-16" },
    });
    expect(said.status).toBe(200);
    const utf8 = Buffer.from("\u00e9").toString("latin1");
    expect(world.run.intake.events).toEqual([
      { body: utf8, headers: { n: "1", b: "true" } },
      { body: "", headers: {} },
    ]);
  });
});

describe("compressed bodies", () => {
  const body = Buffer.from(JSON.stringify([{ body: "a" }]));

  test.each([
    ["gzip", gzipSync(body)],
    ["gzip", Buffer.concat([gzipSync(body.subarray(0, 5)), gzipSync(body.subarray(5))])],
    ["deflate", deflateSync(body)],
    ["zstd", zstdCompressSync(body)],
  ])("%s", async (coding, bytes) => {
    await using world = await started();
    expect((await post(urlOf(world.run), bytes, { headers: { "content-encoding": coding } })).status).toBe(200);
    expect(world.run.intake.lines).toEqual(["a"]);
  });

  test.each([
    ["gzip", gzipSync(Buffer.alloc(64 * 1024 * 1024)), 413],
    ["zstd", zstdCompressSync(Buffer.alloc(64 * 1024 * 1024)), 413],
    ["gzip", gzipSync(body).subarray(0, 15), 400],
    ["zstd", body, 400],
    ["gzip", Buffer.concat([gzipSync(body), Buffer.from("garbage")]), 400],
    ["gzip", Buffer.concat([gzipSync(body), Buffer.alloc(8), gzipSync(body)]), 400],
    ["deflate", Buffer.concat([deflateSync(body), Buffer.from("garbage")]), 400],
    ["zstd", Buffer.concat([zstdCompressSync(body), Buffer.from("garbage")]), 400],
    ["zstd", Buffer.concat([zstdCompressSync(body), zstdCompressSync(body).subarray(0, -3)]), 400],
    ["br", body, 415],
    ["gzip, gzip", body, 415],
  ])("%s that is a bomb, damaged or unknown is refused, and the connection goes on", async (coding, bytes, status) => {
    await using world = await started();
    expect((await post(urlOf(world.run), bytes, { headers: { "content-encoding": coding } })).status).toBe(status);
    expect((await post(urlOf(world.run), body)).status).toBe(200);
    expect(world.run.source.status().accepted).toBe(1);
  });
});

describe("who may send", () => {
  test("with a token: it alone", async () => {
    await using world = await started({ tokens: ["old", "new"] });
    const say = (authorization?: string) =>
      post(urlOf(world.run), "[]", authorization === undefined ? {} : { headers: { authorization } });
    for (const wrong of [undefined, "Bearer", "Bearer nope", "Basic b2xk", "Bearer old2"]) {
      const said = await say(wrong);
      expect([said.status, said.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect((await say("Bearer old")).status).toBe(200);
    expect((await say("bearer new")).status).toBe(200);
  });

  test("without one no page of a browser", async () => {
    await using world = await started();
    expect((await post(urlOf(world.run), "[]", { headers: { origin: "https://example.com" } })).status).toBe(403);
  });

  test("with an authority: its clients", async () => {
    using dir = tempDir();
    const { ca, broker: server, client, stranger } = makeCertificates(dir.path);
    await using world = await started({ tls: { cert: server.cert, key: server.key, clientCa: ca } });
    const say = (tls: object) =>
      post(urlOf(world.run).replace("http:", "https:"), "[]", { tls: { ca, ...tls } } as RequestInit);
    expect((await say(client)).status).toBe(200);
    expect(say(stranger)).rejects.toThrow();
    expect(say({})).rejects.toThrow();
  });
});

describe("requests", () => {
  const head = "POST / HTTP/1.1\r\nhost: x\r\n";

  test("in pieces, in chunks, one behind the other, and with a question first", async () => {
    await using world = await started({ format: "lines" });
    const said = await raw(
      world.run,
      { answers: 2, ends: true },
      "\r\nPOS",
      "T / HTTP/1.1\r\nhos",
      "t: x\r\ncontent-length: 5\r\n\r",
      "\none\ntwo",
      // What stands behind the body is refused as the next request.
      `\r\n\r\n`,
    );
    expect(said).toEqual({ statuses: [200, 400], left: true });
    const chunks = `${head}transfer-encoding: chunked\r\n\r\n3;ext=1\r\na\nb\r\n`;
    expect(
      await raw(world.run, { answers: 1, ends: false }, chunks, "2\r", "\n\nc\r\n0\r\ntrailer: 1\r\n\r\n"),
    ).toEqual({
      statuses: [200],
      left: false,
    });
    const small = `${head}content-length: 1\r\n\r\n`;
    expect(
      await raw(
        world.run,
        { answers: 4, ends: false },
        `${small}x${small}y`,
        `${head}content-length: 1\r\nexpect: 100-continue\r\n\r\n`,
        "z",
      ),
    ).toEqual({ statuses: [200, 200, 100, 200], left: false });
    expect(world.run.intake.lines).toEqual(["one", "t", "a", "b", "c", "x", "y", "z"]);
  });

  test.each([
    ["GET / HTTP/1.1\r\nhost: x\r\n\r\n", 405],
    ["PUT /a HTTP/1.1\r\nhost: x\r\n\r\n", 405],
    ["POST /other HTTP/1.1\r\nhost: x\r\n\r\n", 404],
    ["POST /in HTTP/2.0\r\nhost: x\r\n\r\n", 505],
    ["POST /in HTTP/1.1\r\n\r\n", 400],
    ["POST in HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["POST  /in HTTP/1.1\r\nhost: x\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501],
    ["POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\na: 1\r\n b\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\na: 1\nb: 2\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\nexpect: more\r\n\r\n", 417],
    ["POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n", 413],
    ["POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400],
    ["POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffff\r\n", 413],
    [`POST /in HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;${"x".repeat(300)}`, 400],
    [`POST /in HTTP/1.1\r\nhost: x\r\n${"a: 1\r\n".repeat(200)}\r\n`, 431],
    [`POST /${"x".repeat(20_000)}`, 431],
    ["\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", 400],
    ["\u0000".repeat(100_000), 431],
  ])("%#: refused, and the connection ends", async (bytes, status) => {
    await using world = await started({ path: "/in" });
    expect(await raw(world.run, { answers: 1, ends: true }, bytes)).toEqual({ statuses: [status], left: true });
    expect(world.run.intake.lines).toEqual([]);
  });

  test("that never come to an end are ended", async () => {
    await using world = await started({ messageTimeout: "200ms", idleTimeout: "150ms" });
    const { run } = world;
    const clients = ["", head, `${head}content-length: 100\r\n\r\n[`].map((text) => {
      const client = new Client({ port: portOf(run) });
      client.send(text);
      return client;
    });
    const trickle = setInterval(() => clients[1]?.send("a: 1\r\n"), 20);
    await until("all to be ended", () => clients.every(({ isLeft }) => isLeft));
    clearInterval(trickle);
    expect((await post(urlOf(run), "[]")).status).toBe(200);
  });

  test("chunks of a byte cost no more memory than they may", async () => {
    await using world = await started({ bodyBytesMax: "64KiB", format: "blob" });
    const flood = `${head}transfer-encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(60_000)}0\r\n\r\n`;
    expect((await raw(world.run, { answers: 1, ends: true }, flood)).statuses).toEqual([413]);
  });

  test("wait in bounded memory: busy is said with when to come again", async () => {
    await using world = await started({ sendersMax: 1 });
    world.run.intake.block();
    const first = post(urlOf(world.run), '[{"body":"a"}]');
    await until("it to wait", () => world.run.source.status().waiting === 1);
    const said = await post(urlOf(world.run), '[{"body":"b"}]');
    expect([said.status, said.headers.get("retry-after"), said.body.reason]).toEqual([503, "1", "busy"]);
    world.run.intake.unblock();
    expect((await first).status).toBe(200);
  });
});
