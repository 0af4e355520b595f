import { describe, expect, test } from "bun:test";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import type { Fields, Signal } from "../../shared/telemetry/log.ts";
import { EventView } from "../core/event-view.ts";
import { type Layout, plainLayout } from "../core/layout.ts";
import { limits } from "../core/limits.ts";
import type { PutBatch } from "../core/stored-batch.ts";
import { ArrayStore } from "../testing/fakes/array-store.ts";
import { testBatch, testLane } from "../testing/fakes/test-batches.ts";
import { LaneRouter } from "./lane-router.ts";

/** The group is the event's text; one that begins with "_" is not allowed. */
const byText: Layout = {
  ...plainLayout("rest"),
  group: (view) => (view.text().startsWith("_") ? undefined : view.text()),
  groupFixed: undefined,
  groupsMax: 5,
};
const divided = (parts: number): Layout => ({
  ...byText,
  groupsMax: 1_000,
  division: { partsDefault: parts, partOf: (key, of) => Number(key) % of },
});

function wire(layout: Layout, store = new ArrayStore(), carries = false) {
  const reports: { readonly signal: string; readonly fields: Fields }[] = [];
  const report = (signal: Signal, fields: Fields = {}) => void reports.push({ signal: signal.name, fields });
  const channel = store.channel("main");
  const options = { agent: "gw", stream: "s", channel, layout, carries, report };
  const router = new LaneRouter({ ...options, epoch: () => store.epoch });
  const view = new EventView();
  const put = (text: string, key?: string) => {
    const bytes = Buffer.from(text);
    view.reset(bytes, 0, bytes.length, 1);
    view.key = key;
    router.append(view);
  };
  const groups = () => [...new Set(channel.lanes().map(({ group }) => group))];
  const commit = () => {
    const batches: PutBatch[] = [];
    router.take(batches);
    store.commit({ batches, positions: [], counters: [] });
  };
  return { store, channel, router, put, groups, commit, reports };
}

test("an event goes into its lane in the form that the layout gives it; its group is that of what it was", () => {
  const formed = new EventView();
  const form = (view: EventView) => {
    const bytes = Buffer.from(`<${view.text()}>`);
    formed.reset(bytes, 0, bytes.length, view.eventTimeMs);
    return formed;
  };
  const { put, commit, channel } = wire({ ...byText, form });
  for (const text of ["a", "b", "a"]) put(text);
  commit();
  const found = channel.held.map(({ lane, bytes }) => [
    lane.group,
    ...[...decodeRecords(bytes)].map(({ value }) => value.toString()),
  ]);
  expect(found).toEqual([
    ["a", "<a>", "<a>"],
    ["b", "<b>"],
  ]);
});

describe("what a log contains makes a bounded number of lanes", () => {
  test("20,000 values: as many groups as there may be, the rest in the default, counted and said", () => {
    const { router, put, groups, channel, commit, reports } = wire(byText);
    for (let value = 0; value < 20_000; value++) put(`v${value}`);
    expect(groups()).toEqual(["v0", "v1", "v2", "v3", "v4", "rest"]);
    expect(router.takeDefaulted()).toBe(19_995);
    expect(router.takeDefaulted()).toBe(0);
    expect(router.use).toEqual({ groups: 6, groupsMax: 5, lanes: 6, lanesMax: limits.lanesMax, defaulted: 19_995 });
    commit();
    expect(channel.held.reduce((sum, { count }) => sum + count, 0)).toBe(20_000);
    expect(reports[0]).toMatchObject({ signal: "events_sent_to_default", fields: { group: "v5", default: "rest" } });
  });

  test("a restart does not begin to count anew", () => {
    const first = wire(byText);
    for (let value = 0; value < 5; value++) first.put(`v${value}`);
    first.commit();
    const second = wire(byText, first.store);
    second.put("v9");
    second.put("v2");
    expect(second.groups()).toEqual(["v0", "v1", "v2", "v3", "v4", "rest"]);
    expect(second.router.takeDefaulted()).toBe(1);
  });

  test("a new epoch begins with no group", () => {
    const { store, router, put, groups } = wire(byText);
    for (let value = 0; value < 8; value++) put(`v${value}`);
    store.renewEpoch();
    router.epochRenewed();
    put("v9");
    expect(groups()).toContain("v9");
  });

  test("a group that is not allowed goes to the default, counted", () => {
    const { router, put, groups } = wire(byText);
    put("_consumer_offsets");
    put("a");
    expect(groups()).toEqual(["rest", "a"]);
    expect(router.takeDefaulted()).toBe(1);
  });

  test("lanes are bounded too, and the default's are kept free", () => {
    const { router, put, channel, groups } = wire(divided(100));
    for (let value = 0; value < 50; value++) for (let key = 0; key < 100; key++) put(`v${value}`, String(key));
    expect(groups().length).toBe(10);
    expect(channel.lanes().length).toBeLessThanOrEqual(limits.lanesMax);
    expect(groups()).toContain("rest");
    expect(router.use).toMatchObject({ groups: 10, lanes: 1_000, defaulted: 41 * 100 });
  });

  test("a group that grows past the bound stays as it is, and that is said", () => {
    const { router, put, channel, reports } = wire(divided(4));
    put("a", "1");
    router.partsKnown("a", limits.lanesMax - 8);
    expect(reports).toEqual([]);
    put("b", "1");
    router.partsKnown("b", 5);
    expect(reports[0]).toMatchObject({ signal: "lanes_not_added", fields: { group: "b" } });
    put("b", "2");
    expect(
      channel
        .lanes()
        .filter(({ group }) => group === "b")
        .map(({ part }) => part?.parts),
    ).toEqual([4, 4]);
  });
});

describe("batches of other agents", () => {
  const fixed: Layout = {
    ...plainLayout("topic"),
    division: { partsDefault: 4, partOf: (key, of) => Number(key) % of },
  };
  const batch = (key: string, carried: string) => {
    const {
      lane: _lane,
      first: _first,
      kind: _kind,
      id: _id,
      ...made
    } = testBatch(testLane("x"), { first: 0, count: 3 });
    return { ...made, key, carried, agent: carried.split("/")[0] ?? "", stream: "s", hasSeveralKeys: false };
  };

  test("go on byte for byte, into the lane of their key, under the lane's own numbers", () => {
    const store = new ArrayStore();
    const { router, commit, channel } = wire(fixed, store, true);
    const sent = [batch("1", "gw-1/e/s.0/5-7"), batch("2", "gw-2/e/s.0/0-2"), batch("5", "gw-5/e/s.0/0-2")];
    for (const each of sent) expect(router.carry(each)).toBe(each.bytes.length);
    commit();
    expect(channel.held.map(({ lane, first, count, carried }) => [lane.part?.index, first, count, carried])).toEqual([
      [1, 0, 3, "gw-1/e/s.0/5-7"],
      [1, 3, 3, "gw-5/e/s.0/0-2"],
      [2, 0, 3, "gw-2/e/s.0/0-2"],
    ]);
    expect(channel.held.every(({ bytes }) => sent.some((each) => each.bytes === bytes))).toBe(true);
  });

  test("may go to a group that is named after who made them, and of which stream; within the bound", () => {
    const group = (view: EventView) => `${view.header("stream")}-of-${view.header("agent")}`;
    const named: Layout = { ...plainLayout("rest"), group, groupFixed: undefined, groupHeaders: ["stream", "agent"] };
    const { router, groups, commit } = wire({ ...named, groupsMax: 2 }, new ArrayStore(), true);
    for (const agent of ["gw-1", "gw-2", "gw-1", "gw-3"]) router.carry(batch("1", `${agent}/e/s.0/0-2`));
    commit();
    expect(groups()).toEqual(["s-of-gw-1", "s-of-gw-2", "rest"]);
    expect(router.takeDefaulted()).toBe(3);
  });

  test("are divided by their agent where the layout says so, and where they have several keys, which is said", () => {
    const partOf = (text: string, of: number) => Number(text.replace(/\D/g, "")) % of;
    const division = { partsDefault: 4, partOf };
    const byAgent: Layout = { ...plainLayout("topic"), carried: { division, by: "agent" } };
    const first = wire(byAgent, new ArrayStore(), true);
    for (const agent of ["gw-1", "gw-2", "gw-5"]) first.router.carry(batch("7", `${agent}/e/s.0/0-2`));
    first.commit();
    expect(first.channel.held.map(({ lane }) => lane.part?.index)).toEqual([1, 1, 2].toSorted());
    expect(first.reports).toEqual([]);
    const byKey: Layout = { ...plainLayout("topic"), division, carried: { division, by: "key" } };
    const second = wire(byKey, new ArrayStore(), true);
    second.router.carry(batch("7", "gw-1/e/s.0/0-2"));
    second.router.carry({ ...batch("7", "gw-1/e/s.0/3-5"), key: undefined, hasSeveralKeys: true });
    second.commit();
    expect(second.channel.held.map(({ lane }) => lane.part?.index).toSorted()).toEqual([1, 3]);
    expect(second.reports.map(({ signal }) => signal)).toEqual(["carried_keys_mixed"]);
  });

  test("have lanes of their own: the numbers of events stay without a hole", () => {
    const store = new ArrayStore();
    const events = wire(fixed, store);
    events.put("a", "1");
    events.commit();
    const carrying = wire(fixed, store, true);
    carrying.router.carry(batch("1", "gw-1/e/s.0/5-7"));
    carrying.commit();
    const again = wire(fixed, store);
    again.put("b", "1");
    again.commit();
    const found = store.channel("main").held.map(({ lane, first }) => [lane.id, lane.carries ?? false, first]);
    expect(found).toEqual([
      [1, false, 0],
      [2, true, 0],
      [1, false, 1],
    ]);
  });
});
