import { expect, test } from "bun:test";
import { z } from "zod";
import { type ReceivedEvent, recordSinkContract } from "../../testing/contracts/record-sink.contract.ts";
import { PostWorld, type RefusedEvent } from "../../testing/example-sink/post-world.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext, mistakes } from "../../testing/fakes/component.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import { indexName } from "./destination.ts";
import { documentId, documentOf } from "./document.ts";
import definition from "./index.ts";

const Action = z.object({ index: z.object({ _index: z.string(), _id: z.string() }) });
const Document = z.object({
  "@timestamp": z.string(),
  message: z.string().optional(),
  messageBase64: z.string().optional(),
  tailgate: z.object({ key: z.string().optional(), headers: z.record(z.string(), z.string()).default({}) }),
});

/** A cluster as far as the bulk interface goes. */
class BulkWorld extends PostWorld {
  override readonly definition = definition;
  override readonly writersMax = 4;

  override get config() {
    return { url: this.address, index: "logs-%Y.%m.%d", bytesMax: "64KiB" };
  }

  protected override eventsOf(text: string): readonly ReceivedEvent[] {
    const lines = text.split("\n").filter((line) => line !== "");
    return Array.from({ length: lines.length / 2 }, (_, index) => {
      const action = Action.parse(JSON.parse(lines[index * 2] ?? ""));
      const { message, messageBase64, tailgate, ...rest } = Document.parse(JSON.parse(lines[index * 2 + 1] ?? ""));
      expect(action.index._index).toBe("logs-2023.11.14");
      const body = message === undefined ? Buffer.from(messageBase64 ?? "", "base64") : Buffer.from(message);
      const { key, headers } = tailgate;
      return {
        id: action.index._id,
        body: body.toString("latin1"),
        timeMs: Date.parse(rest["@timestamp"]),
        key,
        headers,
      };
    });
  }

  protected override answer(some: readonly RefusedEvent[], events: readonly ReceivedEvent[]): Response {
    const refused = new Set(some.map(({ at }) => at));
    const error = { type: "mapper_parsing_exception", reason: "not wanted" };
    const items = events.map((_, at) => ({ index: refused.has(at) ? { status: 400, error } : { status: 201 } }));
    return Response.json({ errors: some.length > 0, items });
  }
}

recordSinkContract("elasticsearch", async () => new BulkWorld());

const never = new AbortController().signal;

/** Delivers three events to a server that answers so, one answer a request. */
async function deliver(answers: readonly (() => Response)[], config: Readonly<Record<string, unknown>> = {}) {
  const requests: string[] = [];
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      requests.push(await request.text());
      return answers[requests.length - 1]?.() ?? Response.json({ errors: false, items: [{ index: { status: 201 } }] });
    },
  });
  const reading = definition.read({ url: String(server.url), index: "logs", timeout: "2s", ...config });
  if (!reading.ok) throw new Error("the config is wrong");
  const sink = await reading.value.create(fakeContext());
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, 1, 3));
  const lane = sink.lane(reader);
  const step = async () => {
    const batch = reader.next();
    if (batch === undefined) return "idle";
    const result = await lane.deliver(batch, never).catch((error: unknown) => error);
    return result;
  };
  const results: unknown[] = [];
  for (let index = 0; index < Math.max(1, answers.length); index++) results.push(await step());
  return { results, requests };
}

const items = (...statuses: readonly number[]) =>
  Response.json({
    errors: true,
    items: statuses.map((status) => ({
      index: status < 300 ? { status } : { status, error: { type: "some_exception", reason: "some reason" } },
    })),
  });

test("what is refused for haste comes again, alone", async () => {
  const { results, requests } = await deliver([() => items(201, 429, 201), () => items(201)]);
  expect(results).toMatchObject([
    { code: "EDGE_DESTINATION_AWAY", message: expect.stringContaining("1 of 3 events not now: 429 some_exception") },
    { kind: "delivered" },
  ]);
  expect(requests[1]?.split("\n")).toHaveLength(3);
  expect(requests[1]).toContain('"message":"line 1"');
});

test.each([403, 404, 503])("%d of a document is the cluster's fault: nothing is buried", async (status) => {
  const { results } = await deliver([() => items(status, status, status)]);
  expect(results).toMatchObject([{ severity: "transient" }]);
});

test("haste and fault in one answer: the one comes again, the other is buried", async () => {
  const { results } = await deliver([() => items(400, 429, 201), () => items(201)]);
  expect(results).toMatchObject([{ severity: "transient" }, { kind: "split", parts: [{ count: 1 }, { count: 2 }] }]);
});

test("with `create` a document that is there already is delivered", async () => {
  const conflict = () =>
    Response.json({ errors: true, items: [409, 201, 409].map((status) => ({ create: { status } })) });
  const { results, requests } = await deliver([conflict], { operation: "create" });
  expect(results).toEqual([{ kind: "delivered" }]);
  expect(requests[0]).toContain('{"create":{"_index":"logs","_id":"gw-1/e1/driving.0/0"}}');
});

test.each([
  ["a page of a proxy", () => new Response("<html>maintenance</html>")],
  ["nothing", () => new Response("")],
  ["too few items", () => items(201)],
  ["garbage in JSON", () => Response.json({ errors: "no", items: 3 })],
  ["half of an answer", () => new Response('{"errors":false,"items":[{"index":{"status":201}')],
  ["an answer without end", () => new Response("x".repeat(3 * 1024 * 1024))],
])("200 with %s is no word that the events are there", async (_, answer) => {
  const { results } = await deliver([answer]);
  expect(results).toMatchObject([{ code: "EDGE_DESTINATION_AWAY", severity: "transient" }]);
});

test.each([
  ["Logs-%", "logs-_"],
  ["_hidden", "hidden"],
  ['a"*\\<|,>/? b', "a__________b"],
  ["..", "unknown"],
  ["ü".repeat(200), "ü".repeat(127)],
])("the index of %s is %s", (text, name) => expect(indexName(text)).toBe(name));

const record = { stream: "s", seq: 0, timeMs: 0, key: undefined, headers: [] };

test("a body that is a JSON object gives the fields, any other the message", () => {
  const of = (body: string) => documentOf({ ...record, id: "i", body: Buffer.from(body) }, "json");
  expect(of('{"speed":3,"@timestamp":"x"}')).toEqual({
    "@timestamp": "x",
    speed: 3,
    tailgate: { id: "i", stream: "s" },
  });
  for (const body of ["[1]", "{", "plain"]) expect(of(body)).toMatchObject({ message: body });
});

test("an id that is too long is hashed, the same each time", () => {
  expect(documentId({ id: "short" })).toBe("short");
  expect(documentId({ id: "x".repeat(600) })).toMatch(/^[0-9a-f]{64}$/);
});

test("the config: the pattern and the zone are looked at", () => {
  const url = "http://127.0.0.1:9200";
  expect(mistakes(definition, { url, index: "x-%q" })[0]).toContain("is no escape");
  expect(mistakes(definition, { url, index: "x", timeZone: "Mars/Base" })).toHaveLength(1);
});
