import { describe, expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { until } from "../../shared/testing/until.ts";
import type { EventView } from "../core/event-view.ts";
import { type Layout, plainLayout } from "../core/layout.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import { Taps } from "../taps/taps.ts";
import { ArrayStore } from "../testing/fakes/array-store.ts";
import { Committer } from "./committer.ts";
import { type NamedInterceptor, StreamIntake } from "./intake.ts";
import { LaneRouter } from "./lane-router.ts";

const signal = new AbortController().signal;
const toOneGroup = plainLayout("t");

interface Wiring {
  readonly layout?: Layout;
  readonly interceptors?: readonly NamedInterceptor[];
  readonly channels?: readonly string[];
  readonly select?: (view: EventView) => readonly number[];
  readonly lingerMs?: number;
}

function wire({ layout = toOneGroup, interceptors = [], channels = ["main"], select, lingerMs = 0 }: Wiring = {}) {
  const store = new ArrayStore();
  const clock = new VirtualClock();
  const made = channels.map((name) => store.channel(name));
  const routers = made.map(
    (channel) =>
      new LaneRouter({ agent: "gw", stream: "s", channel, layout, epoch: () => store.epoch, report: silent }),
  );
  const committer = new Committer({
    store,
    channels: made,
    putSelfKept: () => undefined,
    lingerMs,
    report: silent,
    metrics: new Metrics(),
  });
  const intake = new StreamIntake({
    stream: "s",
    interceptors,
    selector: { select: select ?? (() => channels.map((_, index) => index)) },
    targets: made.map((channel, index) => ({ channel, router: routers[index] as LaneRouter })),
    committer,
    clock,
    positions: new Map(),
    taps: new Taps(),
    passedOn: () => Promise.resolve(true),
  });
  committer.add(intake);
  return { store, clock, channels: made, routers, committer, intake };
}

function append(intake: StreamIntake, ...lines: string[]): void {
  for (const line of lines) {
    const bytes = Buffer.from(line);
    intake.append(bytes, 0, bytes.length);
  }
}

function lines(batches: readonly StoredBatch[]): string[] {
  return batches.flatMap((batch) => [...decodeRecords(batch.bytes)].map(({ value }) => value.toString()));
}

function identities(batches: readonly StoredBatch[]): (string | undefined)[] {
  return batches.flatMap((batch) => [...decodeRecords(batch.bytes)].map(({ headers }) => headers[0]?.value.toString()));
}

describe("the intake", () => {
  test("what a source appends is committed within the linger, also when it has no position and waits for nothing", async () => {
    const { store, intake, channels } = wire({ lingerMs: 20 });
    for (const line of ["a", "b"]) {
      append(intake, line);
      await until("the line to be committed", () => lines(channels[0]?.held ?? []).includes(line), Boolean, {
        withinMs: 2_000,
      });
    }
    expect(store.counters("s").get("read")).toBe(2);
  });

  test("so is what only counts: an event that an interceptor dropped", async () => {
    const drops = { name: "all", interceptor: { intercept: () => false } };
    const { store, intake } = wire({ lingerMs: 20, interceptors: [drops] });
    append(intake, "a");
    await until("the count", () => store.counters("s").get("filtered:all") === 1, Boolean, { withinMs: 2_000 });
  });

  test("commits what was appended in order, with contiguous numbers and the position behind the last line", async () => {
    const { store, intake, channels } = wire();
    let offset = 0;
    const file = { key: "f", position: () => `at ${offset}` };
    for (let chunk = 0; chunk < 3; chunk++) {
      append(intake, `a${chunk}`, `b${chunk}`);
      offset += 6;
      intake.moved(file);
      await intake.committed(signal);
      expect(store.positions("s").get("f")).toBe(`at ${offset}`);
    }
    expect(lines(channels[0]?.held ?? [])).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
    const at = new VirtualClock().now();
    expect(identities(channels[0]?.held ?? [])).toEqual([0, 1, 2, 3, 4, 5].map((seq) => `gw/epoch0/s.0/${seq}@${at}`));
    expect(store.counters("s").get("read")).toBe(6);
  });

  test("never commits inside an append, however much is appended", () => {
    const { store, intake, committer } = wire();
    const line = Buffer.alloc(100_000, 65);
    for (let left = 200; left > 0; left--) intake.append(line, 0, line.length);
    expect(store.commits).toEqual([]);
    expect(committer.pendingBytes).toBeGreaterThan(20_000_000);
  });

  test("commits by itself when much is pending and the source waits", async () => {
    const { store, intake, channels } = wire({ lingerMs: 60_000 });
    append(intake, "first");
    intake.moved({ key: "f", position: () => "1" });
    await intake.ready(signal);
    const before = store.commits.length;
    const line = Buffer.alloc(100_000, 65);
    for (let left = 90; left > 0; left--) intake.append(line, 0, line.length);
    await intake.ready(signal);
    expect(store.commits.length).toBe(before + 1);
    expect(channels[0]?.held.every((batch) => batch.bytes.length < 1_048_588)).toBe(true);
    expect(lines(channels[0]?.held ?? []).length).toBe(91);
  });

  test("counts what interceptors drop under their name, and sends none of it", async () => {
    const drop: NamedInterceptor = { name: "noise", interceptor: { intercept: (view) => !view.text().includes("x") } };
    const { store, intake, channels } = wire({ interceptors: [drop] });
    append(intake, "keep", "x", "also keep", "xx");
    await intake.committed(signal);
    expect(lines(channels[0]?.held ?? [])).toEqual(["keep", "also keep"]);
    expect(Object.fromEntries(store.counters("s"))).toEqual({ read: 4, "filtered:noise": 2 });
  });

  test("lays keys into the partition that Kafka's own clients pick, each lane in order and numbered by itself", async () => {
    const byKey: NamedInterceptor = {
      name: "key",
      interceptor: {
        intercept: (view) => {
          view.key = view.text().split(":")[0] ?? "";
          return true;
        },
      },
    };
    const partOf = (key: string, parts: number) => Number(key.slice(3)) % parts;
    const layout: Layout = { ...toOneGroup, division: { partsDefault: 4, partOf } };
    const { intake, channels, routers } = wire({ layout, interceptors: [byKey] });
    const sent = Array.from({ length: 40 }, (_, index) => `car${index % 10}:${index}`);
    append(intake, ...sent);
    await intake.committed(signal);
    const [channel] = channels;
    expect(channel?.lanes().length).toBe(4);
    for (const batch of channel?.held ?? []) expect(batch.first).toBe(0);
    expect(lines(channel?.held ?? []).toSorted()).toEqual(sent.toSorted());

    routers[0]?.partsKnown("t", 8);
    append(intake, ...sent);
    await intake.committed(signal);
    const grown = channel?.lanes().filter(({ part }) => part?.generation === 1);
    expect(grown?.length).toBeGreaterThan(1);
    expect(new Set(grown?.map(({ number }) => number)).size).toBe(grown?.length ?? 0);
    expect(lines(channel?.held ?? []).length).toBe(80);
  });

  test("gives every chosen channel its own copy, and counts what the selector lays nowhere", async () => {
    const select = (view: EventView) => (view.text() === "both" ? [0, 1] : view.text() === "second" ? [1] : []);
    const { store, intake, channels } = wire({ channels: ["one", "two"], select });
    append(intake, "both", "second", "nowhere");
    await intake.committed(signal);
    expect(channels.map(({ held }) => lines(held))).toEqual([["both"], ["both", "second"]]);
    expect(Object.fromEntries(store.counters("s"))).toEqual({ read: 3, "unselected:one": 2, "unselected:two": 1 });
  });

  test("waits for room when a channel blocks, and goes on when there is some", async () => {
    const { intake, channels } = wire();
    const [channel] = channels;
    if (channel === undefined) throw new Error("no channel");
    channel.admissionNow = "blocked";
    let went = false;
    const waiting = intake.ready(signal).then(() => {
      went = true;
    });
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(went).toBe(false);
    channel.admissionNow = "open";
    channel.room.open();
    await waiting;
    expect(went).toBe(true);
  });

  test("drops the newest where the channel says so, and counts it", async () => {
    const { store, intake, channels } = wire();
    const [channel] = channels;
    if (channel === undefined) throw new Error("no channel");
    append(intake, "kept");
    await intake.committed(signal);
    channel.admissionNow = "dropping";
    await intake.ready(signal);
    append(intake, "dropped");
    channel.admissionNow = "open";
    await intake.ready(signal);
    append(intake, "kept again");
    await intake.committed(signal);
    expect(lines(channel.held)).toEqual(["kept", "kept again"]);
    expect(Object.fromEntries(store.counters("s"))).toEqual({ read: 3, "dropped:main": 1 });
  });

  test("begins new lanes, numbered from zero, when the epoch is renewed", async () => {
    const { store, intake, channels, routers } = wire();
    append(intake, "old");
    await intake.committed(signal);
    store.renewEpoch();
    for (const router of routers) router.epochRenewed();
    append(intake, "new");
    await intake.committed(signal);
    const at = new VirtualClock().now();
    expect(identities(channels[0]?.held ?? [])).toEqual([`gw/epoch0/s.0/0@${at}`, `gw/epoch0+/s.0/0@${at}`]);
  });
});

describe("the committer", () => {
  test("commits a line after a quiet time as soon as its source lets go of the thread", async () => {
    const { store, intake } = wire({ lingerMs: 60_000 });
    append(intake, "line");
    intake.moved({ key: "f", position: () => "1" });
    expect(store.commits.length).toBe(0);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(store.commits.length).toBe(1);
  });

  test("lingers long while the sinks are behind, and no longer once they have caught up", async () => {
    const { store, intake, channels, committer } = wire({ lingerMs: 1 });
    const [channel] = channels;
    if (channel === undefined) throw new Error("no channel");
    for (let commits = 0; commits < 4; commits++) {
      append(intake, "held");
      await intake.committed(signal);
    }
    append(intake, "waits");
    intake.moved({ key: "f", position: () => "1" });
    const before = store.commits.length;
    await Bun.sleep(30);
    expect(store.commits.length).toBe(before);
    channel.held.length = 0;
    committer.acknowledged();
    const deadline = performance.now() + 2_000;
    while (store.commits.length === before && performance.now() < deadline) await Bun.sleep(1);
    expect(store.commits.length).toBe(before + 1);
  });

  test("has busy sources read right before a commit, so that no line misses it", async () => {
    const { store, intake, channels } = wire({ lingerMs: 20 });
    append(intake, "first");
    await intake.committed(signal);
    let reads = 0;
    const read = () => {
      reads++;
      expect(intake.takesNow()).toBe(true);
      append(intake, `read at ${reads}`);
      intake.moved({ key: "f", position: () => String(reads) });
      if (reads < 2) intake.beforeCommit(read);
    };
    intake.beforeCommit(read);
    append(intake, "between");
    intake.moved({ key: "f", position: () => "between" });
    await until("two more commits", () => store.commits.length === 3);
    expect(lines(channels[0]?.held ?? [])).toEqual(["first", "between", "read at 1", "read at 2"]);
    expect(store.commits.map(({ batches }) => batches[0]?.count)).toEqual([1, 2, 1]);
    expect(store.commits.at(-1)?.positions[0]?.value).toBe("2");
  });

  test("says that nothing is taken now while the disk refuses", async () => {
    const { store, intake } = wire({ lingerMs: 60_000 });
    expect(intake.takesNow()).toBe(true);
    store.failures = 1;
    append(intake, "line");
    const durable = intake.committed(signal);
    expect(intake.takesNow()).toBe(false);
    await durable;
    expect(intake.takesNow()).toBe(true);
  });

  test("tries the same work again when the disk is full, and sources wait meanwhile", async () => {
    const { store, intake, channels } = wire();
    store.failures = 1;
    append(intake, "first");
    intake.moved({ key: "f", position: () => "1" });
    const durable = intake.committed(signal);
    const waiting = intake.ready(signal);
    append(intake, "second");
    await durable;
    await waiting;
    await intake.committed(signal);
    expect(store.refused.length).toBe(1);
    expect(store.commits[0]?.batches).toEqual(store.refused[0]?.batches ?? []);
    expect(lines(channels[0]?.held ?? [])).toEqual(["first", "second"]);
    expect(store.counters("s").get("read")).toBe(2);
  });
});
