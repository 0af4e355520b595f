import { expect, test } from "bun:test";
import Database from "better-sqlite3";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { TestApi } from "../../testing/api.ts";
import { shedMarker, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

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

testRefusals([
  ["/api/v1/ledger?cursor=nonsense", "none of this query's"],
  ["/api/v1/ledger?fromSeq=-1", "whole number"],
  ["/api/v1/ledger?fromSeq=1e3", "whole number"],
  ["/api/v1/ledger?ranges=0", "ranges"],
]);

test("a page of lanes with many ranges ends at its bytes", async () => {
  using dir = tempDir();
  await using api = new TestApi({ path: dir.file("central.db") });
  const lanes = 70;
  const ranges = 1_000;
  await api.put(Array.from({ length: lanes }, (_, offset) => testRecord({ offset, seq: 0, agent: `gw-${offset}` })));
  // As if every second number had come: half of the ranges are received, half are missing.
  const database = new Database(dir.file("central.db"));
  database
    .prepare(
      `with recursive number (seq) as (select 2 union all select seq + 2 from number where seq < ?)
       insert into ledger (lane, first, last, kind) select lane.id, seq, seq, 'received' from lane, number`,
    )
    .run(ranges);
  database.prepare("update lane set next_seq = ?, received = ?").run(ranges + 1, ranges / 2 + 1);
  database.close();
  const listOf = ({ lanes: list }: Record<string, unknown>) => (Array.isArray(list) ? list.length : 0);
  const first = await api.get(`/api/v1/ledger?limit=1000&ranges=${ranges}`);
  expect(listOf(first)).toBeLessThan(lanes);
  const rest = await api.get(`/api/v1/ledger?limit=1000&ranges=${ranges}&cursor=${first.next}`);
  expect(listOf(first) + listOf(rest)).toBe(lanes);
  expect(rest.next).toBeUndefined();
});
