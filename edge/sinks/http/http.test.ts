import { describe, expect, test } from "bun:test";
import { errorOf, type HttpAnswer, HttpPeer, retryAfter } from "../../records/http-peer.ts";
import { recordSinkContract } from "../../testing/contracts/record-sink.contract.ts";
import { PostWorld } from "../../testing/example-sink/post-world.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { receivedEvent } from "../../testing/fakes/json-event-world.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

class HttpWorld extends PostWorld {
  override readonly definition = definition;
  override readonly writersMax = 4;

  constructor(private readonly more: Readonly<Record<string, unknown>> = {}) {
    super();
  }

  override get config() {
    return { url: `${this.address}/events`, bytesMax: "64KiB", ...this.more };
  }

  protected override eventsOf(text: string) {
    const trimmed = text.trim();
    if (trimmed === "") return [];
    const all: unknown = JSON.parse(trimmed.startsWith("[") ? trimmed : `[${trimmed.replaceAll("\n", ",")}]`);
    return Array.isArray(all) ? all.map(receivedEvent) : [];
  }
}

const lacks = {
  "a destination that says which events it refuses is not asked again for the others":
    "a status speaks of the whole request",
};
recordSinkContract("http", async () => new HttpWorld(), lacks);
recordSinkContract("http as a gzipped array", async () => new HttpWorld({ format: "json", gzip: true }), lacks);

const never = new AbortController().signal;

async function deliver(url: string, config: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  const reading = definition.read({ url, timeout: "500ms", ...config });
  if (!reading.ok) throw new Error("the config is wrong");
  const sink = await reading.value.create(fakeContext());
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, 1, 3));
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  const result = await sink
    .lane(reader)
    .deliver(batch, never)
    .catch((error: unknown) => error);
  await sink.stop();
  return result;
}

/** A server that answers as it is told. */
function serverOf(answer: (request: Request) => Response | Promise<Response>) {
  return Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
}

describe("hostile peers", () => {
  const away = { code: "EDGE_DESTINATION_AWAY", severity: "transient" };

  test.each([
    [301, "EDGE_DESTINATION_WRONG"],
    [307, "EDGE_DESTINATION_WRONG"],
    [401, "EDGE_DESTINATION_AUTH"],
    [403, "EDGE_DESTINATION_AUTH"],
    [404, "EDGE_DESTINATION_WRONG"],
    [429, "EDGE_DESTINATION_BUSY"],
    [500, "EDGE_DESTINATION_AWAY"],
    [503, "EDGE_DESTINATION_AWAY"],
  ])("%d holds the events: %s", async (status, code) => {
    await using server = serverOf(() => new Response("no", { status, headers: { location: "http://127.0.0.1:1/" } }));
    expect(await deliver(String(server.url))).toMatchObject({ code, severity: "transient" });
  });

  test("a redirect is not followed, and no credentials go there", async () => {
    let asked = 0;
    await using thief = serverOf(() => {
      asked++;
      return new Response("");
    });
    await using server = serverOf(() => Response.redirect(String(thief.url), 307));
    await deliver(String(server.url), { token: "t" });
    expect(asked).toBe(0);
  });

  test("Retry-After is waited for", async () => {
    await using server = serverOf(() => new Response("", { status: 429, headers: { "retry-after": "7" } }));
    expect(await deliver(String(server.url))).toMatchObject({ retryAfterMs: 7_000 });
  });

  test("an answer that never ends, or never begins, ends with the time-out", async () => {
    const silent = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    await using half = serverOf(() => new Response(silent));
    expect(await deliver(String(half.url))).toMatchObject(away);
    await using slow = serverOf(() => Bun.sleep(20_000).then(() => new Response("")));
    expect(await deliver(String(slow.url))).toMatchObject(away);
    await half.stop(true);
    await slow.stop(true);
  });

  test("an answer without end is cut, and its status counts", async () => {
    const chunk = new Uint8Array(64 * 1024);
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
    await using server = serverOf(() => new Response(endless, { status: 500 }));
    expect(await deliver(String(server.url), { timeout: "10s" })).toMatchObject(away);
    await server.stop(true);
  });

  test("200 with an error in its body, where the config says how a good one looks", async () => {
    await using server = serverOf(() => new Response('{"error":"quota"}'));
    const url = String(server.url);
    expect(await deliver(url)).toEqual({ kind: "delivered" });
    expect(await deliver(url, { answerMatches: '"ok":true' })).toMatchObject({
      ...away,
      message: expect.stringContaining("quota"),
    });
  });

  test("whoever hangs up, or speaks no HTTP, is away", async () => {
    const rude = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("SSH-2.0-x\r\n") },
    });
    expect(await deliver(`http://127.0.0.1:${rude.port}/`)).toMatchObject(away);
    rude.stop(true);
    expect(await deliver(`http://127.0.0.1:${rude.port}/`)).toMatchObject(away);
  });
});

test("credentials, and the key by which a repeat is known, are sent", async () => {
  const seen: (string | null)[] = [];
  await using server = serverOf((request) => {
    seen.push(request.headers.get("authorization"), request.headers.get("idempotency-key"));
    return new Response("");
  });
  const url = String(server.url);
  await deliver(url, { token: "secret" });
  await deliver(url, { user: "u", password: "p" });
  const [bearer, key, basic, again] = seen;
  expect([bearer, basic]).toEqual(["Bearer secret", `Basic ${btoa("u:p")}`]);
  expect(key).toBe('"gw-1/e1/driving.0/0+3-2"');
  expect(again).toBe(String(key));
});

test.each([
  ["5", undefined, 5_000],
  ["Wed, 21 Oct 2015 07:28:10 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", 10_000],
  ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:10 GMT", 0],
  ["999999", undefined, 300_000],
  ["soon", undefined, undefined],
  ["Wed, 21 Oct 2015 07:28:10 GMT", undefined, undefined],
])("Retry-After %s at %s is %p ms", (text, date, ms) => {
  const headers = new Headers({ "retry-after": text, ...(date === undefined ? {} : { date }) });
  expect(retryAfter(headers)).toBe(ms);
});

test("an answer is shown in short, on one line", () => {
  const answer: HttpAnswer = { status: 400, text: `a\n\nb ${"x".repeat(1_000)}`, cut: false, headers: new Headers() };
  expect(errorOf(answer, "post").message).toMatch(/^post: 400 a b x{200,300}…$/);
});

test("the config: credentials fit each other, and stand in no address", () => {
  const url = "http://127.0.0.1/";
  expect(mistakes(definition, { url, user: "u" })).toEqual(["user: user and password go together"]);
  expect(mistakes(definition, { url, token: "t", user: "u", password: "p" })).toHaveLength(1);
  expect(mistakes(definition, { url: "http://u:p@127.0.0.1/" })).toHaveLength(1);
  expect(mistakes(definition, { url: "ftp://127.0.0.1/" })).toHaveLength(1);
});

test("a stop ends a request at once", async () => {
  await using server = serverOf(() => Bun.sleep(20_000).then(() => new Response("")));
  const peer = new HttpPeer({ timeout: 60_000 });
  const stopping = new AbortController();
  const asked = peer.ask({ method: "GET", url: String(server.url) }, stopping.signal).catch((error: unknown) => error);
  stopping.abort();
  expect(await asked).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
  await server.stop(true);
});
