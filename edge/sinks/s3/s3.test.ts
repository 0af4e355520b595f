import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import type { Lane } from "../../core/lane.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { tryNext } from "../../testing/fakes/deliver-next.ts";
import { testBatch, testBatches, testLane, testValue } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

const never = new AbortController().signal;

/** As much of S3 as the sink asks for: whole objects, objects in parts, and the first key of a list. */
class FakeBucket implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  readonly requests: string[] = [];
  /** Instead of the real answer, one a request. */
  answers: ((request: Request) => Response | Promise<Response> | undefined)[] = [];
  private readonly uploads = new Map<string, Map<number, Buffer>>();
  private readonly server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      this.requests.push(`${request.method} ${url.pathname}${url.search}`);
      return (await this.answers.shift()?.(request)) ?? (await this.answer(request, url));
    },
  });

  get config() {
    const { port } = this.server;
    const endpoint = `http://127.0.0.1:${port}`;
    return { bucket: "tele", endpoint, accessKeyId: "k", secretAccessKey: "s", rollInterval: "200ms", timeout: "2s" };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }

  private async answer(request: Request, url: URL): Promise<Response> {
    const key = decodeURIComponent(url.pathname.replace(/^\/tele\/?/, ""));
    const id = url.searchParams.get("uploadId");
    if (request.method === "HEAD") {
      const stored = this.objects.get(key);
      return new Response(stored, { status: stored === undefined ? 404 : 200, headers: { etag: '"e"' } });
    }
    if (request.method === "GET") return xml("<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>");
    if (request.method === "POST" && url.searchParams.has("uploads")) {
      const fresh = String(this.uploads.size + 1);
      this.uploads.set(fresh, new Map());
      return xml(`<InitiateMultipartUploadResult><UploadId>${fresh}</UploadId></InitiateMultipartUploadResult>`);
    }
    const body = Buffer.from(await request.arrayBuffer());
    if (request.method === "PUT" && id !== null) {
      this.uploads.get(id)?.set(Number(url.searchParams.get("partNumber")), body);
      return new Response("", { headers: { etag: `"${url.searchParams.get("partNumber")}"` } });
    }
    if (request.method === "POST" && id !== null) {
      const parts = [...(this.uploads.get(id) ?? [])].sort(([a], [b]) => a - b).map(([, part]) => part);
      this.objects.set(key, Buffer.concat(parts));
      return xml("<CompleteMultipartUploadResult/>");
    }
    if (request.method === "PUT") this.objects.set(key, body);
    return new Response("");
  }
}

const xml = (text: string, status = 200) =>
  new Response(`<?xml version="1.0"?>${text}`, { status, headers: { "content-type": "application/xml" } });
const refusal = (code: string, status: number) => () =>
  xml(`<Error><Code>${code}</Code><Message>no</Message></Error>`, status);

async function laneOf(bucket: FakeBucket, config: Readonly<Record<string, unknown>> = {}) {
  const reading = definition.read({ ...bucket.config, ...config });
  if (!reading.ok) throw new Error(`the config is wrong: ${JSON.stringify(reading.issues)}`);
  const sink = await reading.value.create(fakeContext({ clock: systemClock }));
  const reader = new ArrayReader(testLane("driving"));
  const lane = sink.lane(reader);
  const step = () => tryNext(lane, reader);
  return { sink, reader, step };
}

test("an object holds the lines of its stretch, below a folder of their day", async () => {
  await using bucket = new FakeBucket();
  const { reader, step } = await laneOf(bucket);
  reader.put(...testBatches(reader.lane, 3, 2));
  while ((await step()) !== "idle");
  const key = "driving/2023/11/14/gw-1.e1.driving.0.000000000000000-000000000000005.log";
  expect([...bucket.objects].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
    [key, "line 0\nline 1\nline 2\nline 3\nline 4\nline 5\n"],
  ]);
});

describe("a large object", () => {
  const values = Array.from({ length: 40 }, (_, first) => testValue(first, 500_000));
  const whole = Buffer.concat(values.flatMap((value) => [value, Buffer.from("\n")]));
  const large = (lane: Lane) => values.map((_, first) => testBatch(lane, { first, count: 1, valueBytes: 500_000 }));

  test("goes in parts, and is whole", async () => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket, { rollCount: 40 });
    reader.put(...large(reader.lane));
    while ((await step()) !== "idle");
    expect(bucket.requests.filter((each) => each.includes("partNumber")).length).toBeGreaterThan(1);
    expect(bucket.objects.size).toBe(1);
    expect([...bucket.objects.values()][0]?.equals(whole)).toBe(true);
  });

  test("whose second part is refused is not there; it is written again from its beginning", async () => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket, { rollCount: 40 });
    reader.put(...large(reader.lane));
    const part = (request: Request) =>
      request.url.includes("partNumber=2") ? refusal("InternalError", 500)() : undefined;
    bucket.answers = Array.from({ length: 6 }, () => part);
    expect(await step()).toMatchObject({ severity: "transient" });
    expect(bucket.objects.size).toBe(0);
    bucket.answers = [];
    while ((await step()) !== "idle");
    expect([...bucket.objects.values()].map((bytes) => bytes.equals(whole))).toEqual([true]);
  });
});

describe("hostile peers", () => {
  test.each([
    ["AccessDenied", 403, "EDGE_DESTINATION_AUTH"],
    ["SignatureDoesNotMatch", 403, "EDGE_DESTINATION_AUTH"],
    ["NoSuchBucket", 404, "EDGE_DESTINATION_WRONG"],
    ["InternalError", 500, "EDGE_DESTINATION_AWAY"],
    ["SlowDown", 503, "EDGE_DESTINATION_AWAY"],
  ])("%s: the events are held, and then they arrive", async (code, status, expected) => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket);
    reader.put(...testBatches(reader.lane, 1, 2));
    // The client tries some of these again by itself.
    bucket.answers = Array.from({ length: 8 }, () => refusal(code, status));
    expect(await step()).toMatchObject({ code: expected, severity: "transient" });
    bucket.answers = [];
    expect(await step()).toBe("delivered");
    expect(bucket.objects.size).toBe(1);
  });

  const loginPage = () => new Response("<html>Please sign in</html>", { headers: { "content-type": "text/html" } });
  test.each([
    ["a login page answers the write", 1],
    ["it answers the look at what was written, too", 2],
  ])("%s: the lines are held, and then they arrive", async (_, answers) => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket);
    reader.put(...testBatches(reader.lane, 1, 2));
    bucket.answers = Array.from({ length: answers }, () => loginPage);
    expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_AWAY", severity: "transient" });
    expect(bucket.objects.size).toBe(0);
    expect(await step()).toBe("delivered");
    expect([...bucket.objects.values()].map(String)).toEqual(["line 0\nline 1\n"]);
  });

  test("who may write and not look says so, and is believed", async () => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket, { verify: false });
    reader.put(...testBatches(reader.lane, 1, 2));
    expect(await step()).toBe("delivered");
    expect(bucket.requests.filter((each) => each.startsWith("HEAD"))).toEqual([]);
  });

  test("an answer that never comes ends with the time-out, and the same object is written again", async () => {
    await using bucket = new FakeBucket();
    const { reader, step } = await laneOf(bucket, { timeout: "200ms" });
    reader.put(...testBatches(reader.lane, 1, 2));
    bucket.answers = [() => Bun.sleep(10_000).then(() => new Response(""))];
    expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
    expect(await step()).toBe("delivered");
    expect(bucket.objects.size).toBe(1);
  });
});

test("a probe asks for a key, and leaves nothing", async () => {
  await using bucket = new FakeBucket();
  const { sink } = await laneOf(bucket);
  expect(await sink.probe?.(never)).toMatchObject([{ says: expect.any(String) }]);
  bucket.answers = Array.from({ length: 8 }, () => refusal("AccessDenied", 403));
  expect(await sink.probe?.(never)).toMatchObject([{ error: { code: "EDGE_DESTINATION_AUTH" } }]);
  expect(bucket.objects.size).toBe(0);
});

test("the config: an object must end some time, and a pattern be one", async () => {
  await using bucket = new FakeBucket();
  expect(mistakes(definition, { ...bucket.config, rollInterval: "0ms" })[0]).toContain("for ever");
  expect(mistakes(definition, { ...bucket.config, prefix: "%q" })[0]).toContain("is no escape");
});
