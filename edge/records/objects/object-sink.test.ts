import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { LaneDelivery } from "../../core/sink.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { testBatch, testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import type { ObjectDestination, Roll } from "./object-destination.ts";
import { compressed, lineFormat } from "./object-format.ts";
import { ObjectSink } from "./object-sink.ts";
import { rollMistake } from "./roll-fields.ts";

const never = new AbortController().signal;

/** A store in memory. What is open can be seen, and every step can fail. */
class Store implements ObjectDestination {
  readonly objects = new Map<string, string>();
  readonly puts: string[] = [];
  readonly opened = new Set<object>();
  openMost = 0;
  fails: () => boolean = () => false;

  async open(name: string) {
    this.mayFail();
    const parts: Buffer[] = [];
    this.opened.add(parts);
    this.openMost = Math.max(this.openMost, this.opened.size);
    return {
      write: async (bytes: Buffer) => {
        this.mayFail();
        parts.push(Buffer.from(bytes));
      },
      close: async () => {
        this.opened.delete(parts);
        // Half of the failures come before the store has it, half after.
        this.mayFail();
        this.objects.set(name, Buffer.concat(parts).toString());
        this.puts.push(name);
        this.mayFail();
      },
      discard: async () => {
        this.opened.delete(parts);
      },
    };
  }

  status() {
    return {};
  }

  get lines(): string[] {
    return [...this.objects.values()].flatMap((text) => text.trimEnd().split("\n"));
  }

  private mayFail(): void {
    if (this.fails()) throw new AppError("EDGE_DESTINATION_AWAY", "away in a test");
  }
}

const roll: Roll = { bytes: 0, records: 10, intervalMs: 200, idleMs: 0 };

function laneOf(store: Store, reader: ArrayReader, changes: Partial<ConstructorParameters<typeof ObjectSink>[1]> = {}) {
  const sink = new ObjectSink(fakeContext({ clock: systemClock }), {
    destination: store,
    format: lineFormat({ format: "text", compression: "none" }),
    roll,
    prefixOf: () => "",
    openMax: 4,
    ...changes,
  });
  return sink.lane(reader);
}

async function step(lane: LaneDelivery, reader: ArrayReader): Promise<"idle" | "delivered" | "failed"> {
  const batch = reader.next();
  if (batch === undefined) return "idle";
  try {
    reader.end(batch, await lane.deliver(batch, never));
    return "delivered";
  } catch (thrown) {
    expect(thrown).toMatchObject({ severity: "transient" });
    return "failed";
  }
}

const readerWith = (batches: number, count: number) => {
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, batches, count));
  return reader;
};

test("batches are gathered until an object is full, and its name holds their numbers", async () => {
  const [store, reader] = [new Store(), readerWith(5, 4)];
  const lane = laneOf(store, reader);
  while ((await step(lane, reader)) !== "idle");
  expect([...store.objects.keys()]).toEqual([
    "gw-1.e1.driving.0.000000000000000-000000000000011.log",
    "gw-1.e1.driving.0.000000000000012-000000000000019.log",
  ]);
  expect(store.lines).toEqual(Array.from({ length: 20 }, (_, seq) => `line ${seq}`));
});

test("full by bytes: an object is not larger than it may be", async () => {
  const [store, reader] = [new Store(), readerWith(6, 5)];
  const lane = laneOf(store, reader, { roll: { ...roll, records: 0, bytes: 80 } });
  while ((await step(lane, reader)) !== "idle");
  expect(store.lines).toHaveLength(30);
  for (const text of store.objects.values()) expect(text.length).toBeLessThanOrEqual(80);
  expect(store.objects.size).toBe(3);
});

test("nothing came for a while: what is there is an object", async () => {
  const [store, reader] = [new Store(), readerWith(1, 2)];
  const lane = laneOf(store, reader, { roll: { bytes: 0, records: 0, intervalMs: 0, idleMs: 50 } });
  expect(await step(lane, reader)).toBe("delivered");
  expect(store.lines).toEqual(["line 0", "line 1"]);
});

test("a stop ends the gathering, and nothing was written", async () => {
  const [store, reader] = [new Store(), readerWith(1, 2)];
  const lane = laneOf(store, reader, { roll: { ...roll, intervalMs: 60_000 } });
  const stopping = new AbortController();
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  const ended = lane.deliver(batch, stopping.signal).catch((error: unknown) => error);
  stopping.abort();
  expect(await ended).toMatchObject({ severity: "transient" });
  expect(store.puts).toEqual([]);
});

test("events of one stretch go to several objects, and no more are open than may be", async () => {
  const [store, reader] = [new Store(), readerWith(4, 10)];
  const lane = laneOf(store, reader, {
    roll: { ...roll, records: 40 },
    openMax: 3,
    prefixOf: ({ seq }) => `folder-${seq % 8}/`,
  });
  while ((await step(lane, reader)) !== "idle");
  expect(store.objects.size).toBe(8);
  expect(store.openMost).toBe(3);
  expect(store.lines.toSorted()).toEqual(Array.from({ length: 40 }, (_, seq) => `line ${seq}`).toSorted());
});

test("a marker of what policy shed stands in no object", async () => {
  const [store, reader] = [new Store(), new ArrayReader(testLane("driving"))];
  reader.put(
    testBatch(reader.lane, { first: 0, count: 5, kind: "shed" }),
    testBatch(reader.lane, { first: 5, count: 2 }),
  );
  const lane = laneOf(store, reader);
  while ((await step(lane, reader)) !== "idle");
  expect(store.lines).toEqual(["line 5", "line 6"]);
});

test("only markers: nothing is written", async () => {
  const [store, reader] = [new Store(), new ArrayReader(testLane("driving"))];
  reader.put(testBatch(reader.lane, { first: 0, count: 5, kind: "shed" }));
  const lane = laneOf(store, reader);
  expect(await step(lane, reader)).toBe("delivered");
  expect(store.objects.size).toBe(0);
});

test("killed when the object was there and nobody knew: the same numbers take its place, with more behind them", async () => {
  const [store, reader] = [new Store(), readerWith(2, 4)];
  await step(laneOf(store, reader), reader);
  expect(store.puts).toHaveLength(1);
  reader.crash();
  reader.put(...testBatches(reader.lane, 3, 4, 8));
  const lane = laneOf(store, reader);
  while ((await step(lane, reader)) !== "idle");
  expect(store.puts[1]).toBe(String(store.puts[0]));
  expect(store.lines).toEqual(Array.from({ length: 20 }, (_, seq) => `line ${seq}`));
});

test("killed when a part of the object was acknowledged: the rest is not written again", async () => {
  const [store, reader] = [new Store(), readerWith(3, 4)];
  const lane = laneOf(store, reader);
  await step(lane, reader);
  reader.commit();
  reader.crash();
  const next = laneOf(store, reader);
  while ((await step(next, reader)) !== "idle");
  expect(store.puts).toHaveLength(1);
  expect(store.lines).toHaveLength(12);
});

test("another sink of a group delivered the first part of a plan that failed: the rest is written anew, not taken for written", async () => {
  const [store, reader] = [new Store(), readerWith(3, 4)];
  const lane = laneOf(store, reader);
  store.fails = () => true;
  expect(await step(lane, reader)).toBe("failed");
  store.fails = () => false;
  const first = reader.next();
  if (first === undefined) throw new Error("nothing was put");
  reader.acknowledge(first, undefined);
  lane.resumed?.(4);
  while ((await step(lane, reader)) !== "idle");
  expect(store.lines).toEqual(Array.from({ length: 8 }, (_, index) => `line ${index + 4}`));
});

test("failures and kills at random: every event stands in one object, once", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const [store, reader] = [new Store(), new ArrayReader(testLane("driving"))];
    const make = () =>
      laneOf(store, reader, { openMax: 2, roll: { ...roll, intervalMs: 1 }, prefixOf: ({ seq }) => `f${seq % 3}/` });
    let next = 0;
    let lane = make();
    store.fails = () => random.next() < 0.15;
    for (let turn = 0; turn < 40; turn++) {
      const what = random.next();
      if (what < 0.1) {
        reader.crash();
        lane = make();
      } else if (what < 0.25) reader.commit();
      else {
        const count = 1 + Math.floor(random.next() * 6);
        reader.put(testBatch(reader.lane, { first: next, count }));
        next += count;
        await step(lane, reader);
      }
    }
    store.fails = () => false;
    while ((await step(lane, reader)) !== "idle");
    const found = store.lines.map((line) => Number(line.slice(5))).sort((a, b) => a - b);
    expect([seed, found]).toEqual([seed, Array.from({ length: next }, (_, seq) => seq)]);
    expect(store.opened.size).toBe(0);
  }
});

describe("formats", () => {
  const records = (bodies: readonly string[]) =>
    bodies.map((body, seq) => ({
      id: `i${seq}`,
      stream: "s",
      seq,
      timeMs: 1,
      key: undefined,
      headers: [],
      body: Buffer.from(body),
    }));

  test.each([
    ["gzip", (bytes: Uint8Array) => Bun.gunzipSync(new Uint8Array(bytes))],
    ["zstd", (bytes: Uint8Array) => Bun.zstdDecompressSync(bytes)],
  ] as const)("%s: each piece can be read by itself", (compression, open) => {
    const format = lineFormat({ format: "text", compression });
    const encoder = format.begin("x");
    expect(Buffer.from(open(encoder.records(records(["a", "b"])))).toString()).toBe("a\nb\n");
    expect(encoder.end()).toHaveLength(0);
    expect(format.extension).toBe(compression === "gzip" ? ".log.gz" : ".log.zst");
  });

  test("ndjson keeps what text cannot", () => {
    const format = compressed(lineFormat({ format: "ndjson", compression: "none" }), "none");
    const line = format
      .begin("x")
      .records(records(["two\nlines"]))
      .toString();
    expect(JSON.parse(line)).toEqual({ id: "i0", stream: "s", time: 1, body: "two\nlines" });
  });
});

test("an object must end some time", () => {
  expect(rollMistake({ rollSize: 1, rollCount: 1, rollInterval: 0, idleTimeout: 0 })).toContain("for ever");
  expect(rollMistake({ rollSize: 0, rollCount: 0, rollInterval: 1, idleTimeout: 0 })).toBeUndefined();
});
