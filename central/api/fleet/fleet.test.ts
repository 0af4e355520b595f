import { expect, test } from "bun:test";
import { hourMs } from "../../ledger/hours.ts";
import { SqliteReader } from "../../store/sqlite/reader.ts";
import { TestApi } from "../../testing/api.ts";
import { testBeat, testLane } from "../../testing/heartbeats.ts";
import { ownPartition } from "../../testing/partitions.ts";
import { noonMs, shedMarker, testRecord } from "../../testing/records.ts";

/** An API whose heartbeats are read to their end. */
async function current(api: TestApi): Promise<void> {
  const position = { topic: "beats", partition: 0, seen: undefined, next: 5, before: undefined };
  await api.store.append({ ...position, records: [], dead: [], damaged: [], gap: undefined });
  consumed(api, 5, true);
}

/** What the consumer says: where the topic of heartbeats ends, and whether a broker answers. */
function consumed(api: TestApi, end: number, connected: boolean): void {
  const heartbeats = { ...ownPartition(0, { highWatermark: end, endOffset: end }), topic: "beats" };
  api.snapshot = { ...api.snapshot, consumer: { ...api.snapshot.consumer, connected, partitions: [heartbeats] } };
}

const hear = async (api: TestApi, beat: Parameters<typeof testBeat>[0], heardMs = noonMs) =>
  await api.store.fleet.hear([{ beat: testBeat(beat), heardMs }], noonMs);

test("the fleet: those that need somebody first; pages go on where they ended", async () => {
  await using api = new TestApi();
  await current(api);
  await hear(api, { agent: "fine" });
  await hear(api, { agent: "behind", lanes: [testLane({ unsentFrom: 4, held: 6, unsentMs: noonMs - 9_000 })] });
  await hear(api, { agent: "gone", atMs: noonMs + 7_000 }, noonMs - 200_000);
  await hear(api, { agent: "longer" }, noonMs - 300_000);
  await hear(api, { agent: "off", stopping: true }, noonMs - 400_000);
  await api.put([testRecord({ offset: 0, agent: "quiet" })]);
  const body = await api.get("/api/v1/fleet");
  expect(body).toMatchObject({ counts: { online: 2, silent: 2, stopped: 1, unheard: 1 }, heartbeats: "current" });
  expect(body.agents).toMatchObject([
    { agent: "longer", state: "silent", ageMs: 300_000 },
    { agent: "gone", state: "silent", clockOffsetMs: 207_000, version: "1" },
    { agent: "off", state: "stopped" },
    { agent: "behind", state: "online", oldestUnsentMs: noonMs - 9_000, inVehicle: 6 },
    { agent: "quiet", state: "unheard", stored: 1, heardMs: null },
    { agent: "fine", state: "online", missing: 0 },
  ]);
  const names: unknown[] = [];
  let path = "/api/v1/fleet?limit=4";
  for (let pages = 0; pages < 3; pages++) {
    const page = await api.get(path);
    if (!Array.isArray(page.agents)) throw new Error("no page");
    names.push(...page.agents.map(({ agent }) => agent));
    if (page.next === undefined) break;
    path = `/api/v1/fleet?limit=4&cursor=${page.next}`;
  }
  expect(names).toEqual(["longer", "gone", "off", "behind", "quiet", "fine"]);
  expect(await api.get("/api/v1/fleet?state=stopped")).toMatchObject({ agents: [{ agent: "off" }] });
  expect(await api.get("/api/v1/fleet?agent=gone")).toMatchObject({ agents: [{ agent: "gone" }] });
  expect((await api.request("/api/v1/fleet?state=lost")).status).toBe(400);
});

test("while the heartbeats are not read to their end nobody is called silent", async () => {
  await using api = new TestApi();
  await hear(api, { agent: "gone" }, noonMs - 9e6);
  expect(await api.get("/api/v1/fleet")).toMatchObject({ heartbeats: "behind", counts: { silent: 0, online: 1 } });
  expect(await api.get("/api/v1/outages")).toEqual({ outages: [] });
});

test("while no broker answers, or a few heartbeats are not read yet, nobody is called silent", async () => {
  await using api = new TestApi();
  await current(api);
  await hear(api, { agent: "gone" }, noonMs - 9e6);
  expect(await api.get("/api/v1/fleet")).toMatchObject({ heartbeats: "current", counts: { silent: 1 } });
  consumed(api, 5, false);
  expect(await api.get("/api/v1/fleet")).toMatchObject({ heartbeats: "behind", counts: { silent: 0, online: 1 } });
  consumed(api, 20, true);
  expect(await api.get("/api/v1/fleet")).toMatchObject({ heartbeats: "behind", counts: { silent: 0, online: 1 } });
});

test("outages: those that go on first, and of each what came, what never will, and why", async () => {
  await using api = new TestApi();
  await current(api);
  await hear(api, { n: 1 }, noonMs - 500_000);
  const missed = { stream: "drive", epoch: "e1", lane: 0, first: 2, last: 9 };
  const outages = [{ id: 1, endedAgoMs: 1_000, forMs: 60_000, lanes: [missed], lanesCut: 0 }];
  const streams = [{ stream: "drive", counts: [["lost_at_source", 4]] as [string, number][] }];
  await hear(api, { n: 2, outages, streams, lanes: [testLane({ unsentFrom: 8, held: 2 })] }, noonMs - 1_000);
  await api.put([
    testRecord({ offset: 0, seq: 1 }),
    testRecord({ offset: 1, seq: 2 }),
    shedMarker(2, 3, 4),
    testRecord({ offset: 3, seq: 6 }),
  ]);
  await hear(api, { agent: "gone", lanes: [testLane({ unsentFrom: 7, held: 3 })] }, noonMs - 300_000);
  expect(await api.get("/api/v1/outages")).toEqual({
    outages: [
      {
        agent: "gone",
        kind: "silent",
        fromMs: noonMs - 300_000,
        toMs: null,
        caughtUpMs: null,
        missed: [{ ...missed, first: 7, came: 0, onTheWay: 0, inVehicle: 3, missing: 0, shed: [], cut: false }],
        missedCut: 0,
        losses: [],
      },
      {
        agent: "gw1",
        kind: "link",
        fromMs: noonMs - 62_000,
        toMs: noonMs - 2_000,
        caughtUpMs: null,
        missed: [
          {
            ...missed,
            came: 2,
            onTheWay: 1,
            inVehicle: 2,
            missing: 1,
            shed: [{ first: 3, last: 4, reason: "overflow" }],
            cut: false,
          },
        ],
        missedCut: 0,
        losses: [{ stream: "drive", name: "lost_at_source", amount: 4 }],
      },
    ],
  });
});

test("completeness: pages over agents, streams and hours; a range too long is refused", async () => {
  await using api = new TestApi();
  const hour = Math.floor(Date.now() / hourMs) - 3;
  let offset = 0;
  const records = ["a", "b", "c"].flatMap((agent) =>
    ["one", "two"].flatMap((stream) =>
      [0, 1, 2].map((of) => testRecord({ offset: offset++, agent, stream, seq: of, timeMs: (hour + of) * hourMs })),
    ),
  );
  await api.put(records);
  const times = `from=${hour * hourMs}&to=${(hour + 2) * hourMs}`;
  const all = await api.get(`/api/v1/completeness?${times}`);
  if (!Array.isArray(all.cells)) throw new Error("no cells");
  expect(all.cells).toHaveLength(12);
  expect(all.cells[0]).toMatchObject({
    agent: "a",
    stream: "one",
    hourMs: hour * hourMs,
    expected: 1,
    stored: 1,
    late: 1,
  });
  for (const limit of [1, 2, 5]) {
    const cells: unknown[] = [];
    let cursor = "";
    for (let pages = 0; pages < 20; pages++) {
      const page = await api.get(`/api/v1/completeness?${times}&limit=${limit}${cursor}`);
      if (!Array.isArray(page.cells)) throw new Error("no cells");
      cells.push(...page.cells);
      if (page.next === undefined) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(cells).toEqual(all.cells);
  }
  const only = await api.get(`/api/v1/completeness?${times}&agent=b&stream=two`);
  expect(only.cells).toHaveLength(2);
  expect((await api.request("/api/v1/completeness?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z")).status).toBe(
    400,
  );
});

test("the books: in /status, in metrics, and a difference after a while is an alarm", async () => {
  const said: string[] = [];
  await using api = new TestApi({ report: ({ name }) => said.push(name) });
  await api.put([testRecord({ offset: 0 }), testRecord({ offset: 1, seq: 3 })]);
  await hear(api, { lanes: [testLane({ assigned: 9, unsentFrom: 6, held: 3 })] });
  const book = { assigned: 9, stored: 2, missing: 2, onTheWay: 2, inVehicle: 3, shed: 0, dead: 0, difference: 0 };
  await api.status.sample();
  expect(await api.get("/api/v1/books")).toMatchObject({ ...book, balanced: true, sinceMs: null, lanes: [] });
  expect(await api.get("/api/v1/status")).toMatchObject({ books: book });
  expect(said).not.toContain("books_do_not_balance");
  api.clock.advance(400_000);
  await api.status.sample();
  expect(await api.get("/api/v1/books")).toMatchObject({
    onTheWay: 0,
    difference: 2,
    balanced: false,
    sinceMs: noonMs,
    lanes: [
      { agent: "gw1", stream: "drive", lane: 0, difference: 2, why: "acknowledged by its destination, and not here" },
    ],
  });
  expect(said).toContain("books_do_not_balance");
  expect(await (await api.request("/metrics")).text()).toContain("tailgate_central_books_difference 2\n");
});

test("a store that keeps nothing of the fleet says so by name", async () => {
  class Bare extends SqliteReader {
    override get fleet(): undefined {
      return undefined;
    }
  }
  await using api = new TestApi({ reader: (path) => new Bare(path) });
  await api.put([testRecord({ offset: 0 })]);
  for (const route of ["fleet", "completeness", "outages", "books"]) {
    const response = await api.request(`/api/v1/${route}`);
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ code: "CENTRAL_NOT_IN_THIS_STORE" });
  }
  await api.status.sample();
  expect(await api.get("/api/v1/status")).toMatchObject({ books: null });
});

test("10,000 agents: a page holds as many as were asked for", async () => {
  await using api = new TestApi();
  await current(api);
  const beats = Array.from({ length: 10_000 }, (_, index) => ({
    beat: testBeat({ agent: `gw${index}`, lanes: [testLane()] }),
    heardMs: noonMs - (index % 7) * 60_000,
  }));
  await api.store.fleet.hear(beats, noonMs);
  const first = await api.get("/api/v1/fleet?limit=1000");
  expect(first.counts).toMatchObject({ online: 2858, silent: 7142 });
  expect(first.agents).toHaveLength(1_000);
  const { fleet } = api;
  const views = await Promise.all([fleet?.view(), fleet?.view()]);
  expect(views.map((view) => view?.agents.length)).toEqual([10_000, 10_000]);
});
