import { describe, expect, test } from "bun:test";
import { renderOpenApi } from "./openapi.ts";
import { TestApi } from "./testing/api.ts";
import { otherPartition, ownPartition } from "./testing/partitions.ts";
import { noonMs, shedMarker, slicesOf, testRecord } from "./testing/records.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

describe("the HTTP API", () => {
  test("shows vehicles with their last state and its age, page by page", async () => {
    await using api = new TestApi();
    await api.put(["a", "b", "c"].map((vehicle, offset) => testRecord({ offset, vehicle, timeMs: noonMs - 5_000 })));
    const first = await api.get("/api/v1/vehicles?limit=2");
    expect(first.vehicles).toMatchObject([
      { vehicle: "a", streams: [{ stream: "drive", events: 1, ageMs: 5_000, value: "value 0" }] },
      { vehicle: "b" },
    ]);
    const second = await api.get(`/api/v1/vehicles?limit=2&cursor=${first.next}`);
    expect(second.vehicles).toMatchObject([{ vehicle: "c" }]);
    expect(second.next).toBeUndefined();
    expect(await api.get("/api/v1/vehicles/b")).toMatchObject({ vehicle: "b" });
  });

  test("says that a vehicle is not known, as a problem with code and hint", async () => {
    await using api = new TestApi();
    await api.put(range(0, 1));
    const response = await api.request("/api/v1/vehicles/ghost");
    expect(response.status).toBe(404);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    const requestId = response.headers.get("X-Request-Id");
    expect(await response.json()).toMatchObject({
      code: "CENTRAL_NOT_FOUND",
      status: 404,
      hint: expect.stringContaining("/api/v1/vehicles"),
      requestId,
    });
  });

  test("hands out events page by page, by time written either way, in both orders", async () => {
    await using api = new TestApi();
    await api.put(range(0, 10));
    const to = encodeURIComponent(new Date(noonMs + 8_000).toISOString());
    const base = `/api/v1/events?vehicle=car-1&stream=drive&from=${noonMs + 2_000}&to=${to}&limit=4`;
    const first = await api.get(base);
    expect(first.events).toMatchObject(
      [2, 3, 4, 5].map((seq) => ({ identity: { agent: "gw1", seq }, value: `value ${seq}` })),
    );
    const second = await api.get(`${base}&cursor=${first.next}`);
    expect(second.events).toMatchObject([{ identity: { seq: 6 } }, { identity: { seq: 7 } }]);
    expect(second.next).toBeUndefined();
    const latest = await api.get("/api/v1/events?vehicle=car-1&order=desc&limit=1");
    expect(latest.events).toMatchObject([{ identity: { seq: 9 } }]);
  });

  test("hands out bytes that are no text as base64, and no value where there was none", async () => {
    await using api = new TestApi();
    const binary = { ...testRecord({ offset: 0 }), value: Buffer.from([255, 0, 1]) };
    await api.put([
      binary,
      testRecord({ offset: 1, value: null }),
      testRecord({ offset: 2, identity: null, value: "x" }),
    ]);
    const body = await api.get("/api/v1/events?vehicle=car-1");
    const [first, second, third] = Array.isArray(body.events) ? body.events : [];
    expect(first).toMatchObject({ valueBase64: "/wAB" });
    expect("value" in second || "valueBase64" in second).toBe(false);
    expect(third).toMatchObject({ stream: "drive", topic: "drive", partition: 0, offset: 2, value: "x" });
    expect("identity" in third).toBe(false);
  });

  test.each([
    ["/api/v1/events", "vehicle"],
    ["/api/v1/events?vehicle=a&limit=0", "limit"],
    ["/api/v1/events?vehicle=a&limit=100000", "limit"],
    ["/api/v1/events?vehicle=a&from=yesterday", "milliseconds since 1970"],
    ["/api/v1/events?vehicle=a&from=5&to=5", "`from` is not before `to`"],
    ["/api/v1/events?vehicle=a&cursor=nonsense", "none of ours"],
    ["/api/v1/events?vehicle=a&order=sideways", "order"],
    ["/api/v1/ledger?cursor=nonsense", "none of ours"],
    ["/api/v1/vehicles?limit=5000", "limit"],
    ["/api/v1/dead-letters?limit=x", "limit"],
  ])("refuses %s with a word that helps", async (path, word) => {
    await using api = new TestApi();
    await api.put(range(0, 1));
    const response = await api.request(path);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "CENTRAL_BAD_REQUEST", detail: expect.stringContaining(word) });
  });

  test("shows the books: ranges, holes, what was shed and why", async () => {
    await using api = new TestApi();
    await api.put([...range(0, 3), shedMarker(3, 3, 5, "ttl"), testRecord({ offset: 4, seq: 8 })]);
    const body = await api.get("/api/v1/ledger");
    expect(body.lanes).toMatchObject([
      {
        agent: "gw1",
        stream: "drive",
        lane: 0,
        nextSeq: 9,
        received: 4,
        shed: 3,
        missing: 2,
        rangesCut: false,
        ranges: [
          { first: 0, last: 2, kind: "received" },
          { first: 3, last: 5, kind: "shed", reason: "ttl" },
          { first: 6, last: 7, kind: "missing" },
          { first: 8, last: 8, kind: "received" },
        ],
      },
    ]);
    const cut = await api.get("/api/v1/ledger?ranges=2&agent=gw1&stream=drive");
    expect(cut.lanes).toMatchObject([{ rangesCut: true, ranges: [{ last: 2 }, { last: 5 }] }]);
    expect((await api.get("/api/v1/ledger?agent=other")).lanes).toEqual([]);
  });

  test("shows what was put aside, gaps and conflicts", async () => {
    await using api = new TestApi();
    const [poison] = slicesOf([testRecord({ offset: 2, value: "odd" })]);
    if (poison === undefined) throw new Error("no slice");
    const gap = { kind: "retention", firstOffset: 0, lastOffset: 9 } as const;
    await api.put([...range(0, 2), testRecord({ offset: 3, seq: 1, value: "liar" })], {
      dead: [{ ...poison, reason: "why" }],
      gap,
    });
    expect((await api.get("/api/v1/dead-letters")).deadLetters).toMatchObject([
      { reason: "why", value: "odd", firstOffset: 2 },
    ]);
    expect((await api.get("/api/v1/gaps")).gaps).toMatchObject([{ kind: "retention", firstOffset: 0, lastOffset: 9 }]);
    expect((await api.get("/api/v1/conflicts")).conflicts).toMatchObject([{ seq: 1, value: "liar", vehicle: "car-1" }]);
  });

  test("sums everything up, lag and speed among it", async () => {
    await using api = new TestApi();
    await api.put(range(0, 10));
    const partitions = [ownPartition(0, { highWatermark: 25, endOffset: 30 })];
    api.snapshot = {
      ...api.snapshot,
      consumer: { ...api.snapshot.consumer, connected: true, partitions, rebalances: 3 },
    };
    await api.status.sample();
    api.clock.advance(2_000);
    await api.put(range(10, 20));
    await api.status.sample();
    expect(await api.get("/api/v1/status")).toMatchObject({
      stored: 20,
      vehicles: 1,
      missing: 0,
      repeated: 0,
      linesPerSecond: 5,
      lag: 5,
      kafkaConnected: true,
      storeAvailable: true,
    });
    expect(await api.get("/api/v1/lag")).toMatchObject({
      lag: 5,
      rebalances: 3,
      partitions: [{ next: 20, highWatermark: 25, lag: 5 }],
    });
    expect(await (await api.request("/metrics")).text()).toContain("tailgate_central_lag 5\n");
  });

  test("does not know the lag of a partition that another instance has", async () => {
    await using api = new TestApi();
    await api.put(range(0, 10));
    expect(await api.get("/api/v1/lag")).toMatchObject({ lag: null, partitions: [{ highWatermark: null, lag: null }] });
  });

  test("answers 503 with a hint while there is no store; it lives, and is not ready", async () => {
    await using api = new TestApi();
    const response = await api.request("/api/v1/status");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("1");
    expect(await response.json()).toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    expect((await api.request("/livez")).status).toBe(200);
    expect((await api.request("/readyz")).status).toBe(503);
  });

  test("is ready when the store takes writes, whether Kafka is there or not", async () => {
    await using api = new TestApi();
    await api.put(range(0, 1));
    expect((await api.request("/readyz")).status).toBe(200);
    api.snapshot = { ...api.snapshot, counters: { ...api.snapshot.counters, storeAvailable: false } };
    expect((await api.request("/readyz")).status).toBe(503);
  });

  test("is not ready while partitions of its topics are read by nobody it knows, stand still, or the group refuses it", async () => {
    await using api = new TestApi();
    await api.put(range(0, 1));
    const { consumer } = api.snapshot;
    const others = [otherPartition(1, { reader: "stranger", highWatermark: 7, unreadForMs: 25_000 })];
    api.snapshot = { ...api.snapshot, consumer: { ...consumer, others } };
    const response = await api.request("/readyz");
    expect(response.status).toBe(503);
    expect(await response.text()).toContain("nobody reads 1 partitions into this store: drive/1");
    expect(await api.get("/api/v1/status")).toMatchObject({ unreadPartitions: 1, lag: 7 });
    expect(await (await api.request("/metrics")).text()).toContain("tailgate_central_unread_partitions 1\n");
    api.snapshot = { ...api.snapshot, consumer: { ...consumer, others: [otherPartition(1)] } };
    expect((await api.request("/readyz")).status).toBe(200);
    api.snapshot = {
      ...api.snapshot,
      consumer: { ...consumer, partitions: [ownPartition(0, { stalledForMs: 31_000 })] },
    };
    expect(await (await api.request("/readyz")).text()).toContain("stand still: drive/0");
    api.snapshot = { ...api.snapshot, consumer: { ...consumer, groupRefused: true } };
    expect(await (await api.request("/readyz")).text()).toContain("does not let this central in");
  });

  test("asks for its key everywhere but for health and for the page, which holds no data", async () => {
    await using api = new TestApi({ apiKey: "a-key-of-some-length" });
    await api.put(range(0, 1));
    const refused = await api.request("/api/v1/vehicles");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("WWW-Authenticate")).toBe("Bearer");
    for (const path of ["/api/v1/status", "/api/v1/openapi.json", "/metrics", "/api/v1/nowhere"]) {
      expect((await api.request(path)).status).toBe(401);
    }
    expect((await api.request("/api/v1/vehicles", { Authorization: "Bearer a-key-of-some-lengtH" })).status).toBe(401);
    expect((await api.request("/api/v1/vehicles", { Authorization: "Bearer a-key-of-some-length" })).status).toBe(200);
    for (const path of ["/", "/livez", "/readyz"]) expect((await api.request(path)).status).toBe(200);
  });

  test("the page loads nothing from elsewhere", async () => {
    await using api = new TestApi();
    const response = await api.request("/");
    expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    const text = await response.text();
    expect(text).toContain("<title>Tailgate central</title>");
    expect(text.match(/(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
  });

  test("its document names every route and is what the running service hands out", async () => {
    await using api = new TestApi();
    const document = JSON.parse(renderOpenApi());
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).sort()).toEqual([
      "/api/v1/conflicts",
      "/api/v1/dead-letters",
      "/api/v1/events",
      "/api/v1/gaps",
      "/api/v1/lag",
      "/api/v1/ledger",
      "/api/v1/status",
      "/api/v1/vehicles",
      "/api/v1/vehicles/{vehicle}",
    ]);
    expect(await api.get("/api/v1/openapi.json")).toEqual(document);
  });

  test("has a problem for a page that does not exist", async () => {
    await using api = new TestApi();
    expect(await api.get("/api/v1/nowhere")).toMatchObject({ status: 404, code: "CENTRAL_NOT_FOUND" });
  });
});
