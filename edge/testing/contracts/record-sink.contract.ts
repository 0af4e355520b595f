/**
 * What every record sink promises (edge/records/record-sink.ts), one property a test. A sink says how its destination is
 * set up, what it has and how it misbehaves (`SinkWorld`), and what it cannot do; what it lacks is printed.
 */
import { expect } from "bun:test";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import type { SinkDefinition } from "../../core/define.ts";
import type { LaneDelivery, Sink } from "../../core/sink.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { ArrayReader } from "../fakes/array-reader.ts";
import { fakeContext } from "../fakes/component.ts";
import { deliverNext } from "../fakes/deliver-next.ts";
import { testBatch, testBatches, testLane } from "../fakes/test-batches.ts";
import { checkProperties, type Lacks } from "./properties.ts";

/** An event as the destination has it; the body in latin1, one character a byte. */
export interface ReceivedEvent {
  readonly id: string;
  readonly body: string;
  readonly timeMs: number;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** A destination of one test, and how to make it misbehave. */
export interface SinkWorld extends AsyncDisposable {
  readonly definition: SinkDefinition;
  readonly config: Readonly<Record<string, unknown>>;
  /** What it has; an event that it knows by its id once. */
  received(): readonly ReceivedEvent[];
  /** How many events came, repeats included. */
  arrivals(): number;
  /** How many events came together, largest first. */
  writeSizes(): readonly number[];
  /** Lanes that wrote at the same time, at most. */
  writersAtOnce(): number;
  away(away: boolean): void;
  /** The next write is taken, and its answer never comes. */
  loseAnswer(): void;
  /** After so many more writes it is away. */
  awayAfter(writes: number): void;
  slow(ms: number): void;
  /** Refuses a write that holds such a body, as a whole. */
  refuse(wanted: (body: string) => boolean): void;
  /** Refuses such events, says which, and takes the others. */
  refuseAndSay(wanted: (body: string) => boolean): void;
  /** Refuses writes with more bytes than this, as a whole. */
  bytesMax(bytes: number): void;
  lockOut(): void;
  /** Changes of the config: writes of ten events at most; how many lanes it writes at the same time. */
  readonly smallWrites: Readonly<Record<string, unknown>>;
  readonly writersMax: number;
}

class Fixture implements AsyncDisposable {
  readonly reader = new ArrayReader(testLane("driving"));
  private readonly sinks: Sink[] = [];

  constructor(readonly world: SinkWorld) {}

  async sink(changes: Readonly<Record<string, unknown>> = {}): Promise<Sink> {
    const { definition, config } = this.world;
    const reading = definition.read({ ...config, ...changes });
    if (!reading.ok) throw new Error(`the config is wrong: ${JSON.stringify(reading.issues)}`);
    const sink = await reading.value.create(fakeContext());
    this.sinks.push(sink);
    await sink.start();
    return sink;
  }

  async delivery(changes: Readonly<Record<string, unknown>> = {}): Promise<LaneDelivery> {
    return (await this.sink(changes)).lane(this.reader);
  }

  get bodies(): readonly string[] {
    return this.world.received().map(({ body }) => body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const sink of this.sinks) await sink.stop();
    await this.world[Symbol.asyncDispose]();
  }
}

const never = new AbortController().signal;
const lines = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `line ${from + index}`);

/** As the runner does. */
async function deliverAll(delivery: LaneDelivery, reader: ArrayReader): Promise<void> {
  while ((await deliverNext(delivery, reader)) !== undefined);
}

/** As the runner does when it fails now and then. */
async function deliverInTheEnd(delivery: LaneDelivery, reader: ArrayReader, failed: () => void): Promise<void> {
  for (let tries = 0; reader.heldCount > 0; tries++) {
    if (tries > 200) throw new Error("it never came to an end");
    await deliverNext(delivery, reader).catch((thrown: unknown) => {
      expect(thrown).toMatchObject({ severity: "transient" });
      failed();
    });
  }
}

const buriedOf = ({ reader }: Fixture) =>
  reader.buried.map(({ batch, reason }) => ({ first: batch.first, count: batch.count, reason }));

function odd(reader: ArrayReader): StoredBatch {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  builder.begin(0);
  for (const body of ["\u0000nul", "\u00ff\u00fe", "", "two\nlines"]) {
    const bytes = Buffer.from(body, "latin1");
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: 1_700_000_000_000,
      key: "KA-1",
      headerNames: ["area"],
      headerValues: ["north"],
    });
  }
  return { ...builder.seal(), id: 1, lane: reader.lane, kind: "records", first: 0 };
}

const properties = {
  "its example is a valid config": async ({ world: { definition } }: Fixture) => {
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ ...Object(definition.example), noSuchField: 1 })).toMatchObject({ ok: false });
  },
  "it has everything that was delivered, in order": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 4, 30));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(120));
    expect(f.world.arrivals()).toBe(120);
  },
  "bytes pass untouched": async (f: Fixture) => {
    f.reader.put(odd(f.reader));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(["\u0000nul", "\u00ff\u00fe", "", "two\nlines"]);
  },
  "key, time and headers arrive": async (f: Fixture) => {
    f.reader.put(odd(f.reader));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.world.received()[0]).toMatchObject({ key: "KA-1", timeMs: 1_700_000_000_000, headers: { area: "north" } });
  },
  "an event has the same id whenever it comes": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 1, 3));
    const batch = f.reader.next();
    if (batch === undefined) throw new Error("nothing put");
    await (await f.delivery()).deliver(batch, never);
    await (await f.delivery()).deliver(batch, never);
    expect(f.world.arrivals()).toBe(6);
    expect(f.bodies).toEqual(lines(3));
  },
  "lanes are written side by side, each in order, and not more at once than may be": async (f: Fixture) => {
    f.world.slow(5);
    const sink = await f.sink();
    const readers = Array.from(
      { length: 8 },
      (_, number) => new ArrayReader(testLane("driving", { id: number + 1, number })),
    );
    for (const reader of readers) reader.put(...testBatches(reader.lane, 3, 2));
    await Promise.all(readers.map((reader) => deliverAll(sink.lane(reader), reader)));
    for (const { lane } of readers) {
      const own = f.world.received().filter(({ id }) => id.includes(`driving.${lane.number}/`));
      expect(own.map(({ body }) => body)).toEqual(lines(6));
    }
    expect(f.world.writersAtOnce()).toBeLessThanOrEqual(f.world.writersMax);
  },
  "it starts without its destination, and a delivery is tried again": async (f: Fixture) => {
    f.world.away(true);
    f.reader.put(...testBatches(f.reader.lane, 1, 3));
    const delivery = await f.delivery();
    await expect(deliverNext(delivery, f.reader)).rejects.toMatchObject({ severity: "transient" });
    f.world.away(false);
    await deliverAll(delivery, f.reader);
    expect(f.bodies).toEqual(lines(3));
  },
  "an answer that is lost: written again, nothing is missing, repeats have the same id": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 2, 10));
    f.world.loseAnswer();
    const delivery = await f.delivery();
    let failures = 0;
    await deliverInTheEnd(delivery, f.reader, () => failures++);
    expect(failures).toBe(1);
    expect(f.bodies).toEqual(lines(20));
  },
  "away in the middle of a batch: it goes on where it stopped": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 1, 50));
    f.world.awayAfter(2);
    const delivery = await f.delivery(f.world.smallWrites);
    await expect(deliverNext(delivery, f.reader)).rejects.toMatchObject({ severity: "transient" });
    f.world.away(false);
    await deliverAll(delivery, f.reader);
    expect(f.bodies).toEqual(lines(50));
    expect(f.world.arrivals()).toBe(50);
  },
  "a process that was killed in the middle writes the batch from its beginning": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 1, 50));
    f.world.awayAfter(2);
    await deliverNext(await f.delivery(f.world.smallWrites), f.reader).catch(() => undefined);
    f.world.away(false);
    f.reader.crash();
    await deliverAll(await f.delivery(f.world.smallWrites), f.reader);
    expect(f.bodies).toEqual(lines(50));
    expect(f.world.arrivals()).toBe(70);
  },
  "a slow destination is waited for": async (f: Fixture) => {
    f.world.slow(100);
    f.reader.put(...testBatches(f.reader.lane, 1, 3));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(3));
  },
  "stopped in the middle of a write it ends soon, and the batch is tried again": async (f: Fixture) => {
    f.world.slow(20_000);
    f.reader.put(...testBatches(f.reader.lane, 1, 3));
    const stopping = new AbortController();
    const ended = deliverNext(await f.delivery(), f.reader, stopping.signal).catch((error: unknown) => error);
    await Bun.sleep(30);
    stopping.abort();
    expect(await ended).toMatchObject({ severity: "transient" });
    expect(f.reader.heldCount).toBe(1);
  },
  "stopped while it waits for its turn it ends soon": async (f: Fixture) => {
    f.world.slow(20_000);
    const sink = await f.sink();
    const stopping = new AbortController();
    const readers = Array.from(
      { length: 6 },
      (_, number) => new ArrayReader(testLane("driving", { id: number + 1, number })),
    );
    const ended = readers.map((reader) => {
      reader.put(...testBatches(reader.lane, 1, 1));
      return deliverNext(sink.lane(reader), reader, stopping.signal).catch((error: unknown) => error);
    });
    await Bun.sleep(30);
    stopping.abort();
    for (const each of await Promise.all(ended)) expect(each).toMatchObject({ severity: "transient" });
  },
  "a refused event is buried alone, with its reason, and the others arrive once": async (f: Fixture) => {
    f.world.refuse((body) => body === "line 13");
    f.reader.put(...testBatches(f.reader.lane, 2, 40));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies.toSorted()).toEqual(
      lines(80)
        .filter((line) => line !== "line 13")
        .toSorted(),
    );
    expect(f.world.arrivals()).toBe(79);
    expect(buriedOf(f)).toEqual([{ first: 13, count: 1, reason: expect.stringContaining("13") }]);
  },
  "refused at both ends and side by side: each is found": async (f: Fixture) => {
    const refused = [0, 7, 8, 39];
    f.world.refuse((body) => refused.includes(Number(body.slice(5))));
    f.reader.put(...testBatches(f.reader.lane, 1, 40));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.world.arrivals()).toBe(36);
    const numbers = buriedOf(f).flatMap(({ first, count }) =>
      Array.from({ length: count }, (_, index) => first + index),
    );
    expect(numbers).toEqual(refused);
  },
  "all refused: all buried, and the next batch goes on": async (f: Fixture) => {
    f.world.refuse((body) => Number(body.slice(5)) < 9);
    f.reader.put(...testBatches(f.reader.lane, 2, 9));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(9, 9));
    expect(buriedOf(f).reduce((sum, { count }) => sum + count, 0)).toBe(9);
  },
  "a destination that says which events it refuses is not asked again for the others": async (f: Fixture) => {
    f.world.refuseAndSay((body) => body === "line 5" || body === "line 6");
    f.reader.put(...testBatches(f.reader.lane, 1, 10));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(10).filter((line) => line !== "line 5" && line !== "line 6"));
    expect(f.world.writeSizes()).toEqual([10]);
    expect(buriedOf(f).reduce((sum, { count }) => sum + count, 0)).toBe(2);
  },
  "away while it looks for the refused event: it goes on, and nothing is written twice": async (f: Fixture) => {
    f.world.refuse((body) => body === "line 13");
    f.reader.put(...testBatches(f.reader.lane, 1, 40));
    f.world.awayAfter(4);
    const delivery = await f.delivery();
    let failures = 0;
    await deliverInTheEnd(delivery, f.reader, () => {
      failures++;
      f.world.away(false);
    });
    expect(failures).toBe(1);
    expect(f.world.arrivals()).toBe(39);
    expect(buriedOf(f)).toMatchObject([{ first: 13, count: 1 }]);
  },
  "a batch that is too large is written in smaller ones": async (f: Fixture) => {
    f.reader.put(...testBatches(f.reader.lane, 1, 50));
    await deliverAll(await f.delivery(f.world.smallWrites), f.reader);
    expect(f.world.writeSizes()).toEqual([10, 10, 10, 10, 10]);
    expect(f.bodies).toEqual(lines(50));
  },
  "a destination that takes less than was thought: halves are tried, and all arrive": async (f: Fixture) => {
    f.world.bytesMax(2_000);
    f.reader.put(...testBatches(f.reader.lane, 1, 100));
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(100));
    expect(f.reader.buried).toEqual([]);
  },
  "a single event that is too large is buried, and the others arrive": async (f: Fixture) => {
    f.world.bytesMax(2_000);
    f.reader.put(
      testBatch(f.reader.lane, { first: 0, count: 1, valueBytes: 5_000 }),
      testBatch(f.reader.lane, { first: 1, count: 3 }),
    );
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(3, 1));
    expect(buriedOf(f)).toMatchObject([{ first: 0, count: 1 }]);
  },
  "a marker of what policy shed writes nothing": async (f: Fixture) => {
    f.reader.put(
      testBatch(f.reader.lane, { first: 0, count: 5, kind: "shed" }),
      testBatch(f.reader.lane, { first: 5, count: 2 }),
    );
    await deliverAll(await f.delivery(), f.reader);
    expect(f.bodies).toEqual(lines(2, 5));
  },
  "wrong credentials are tried again, and lose nothing": async (f: Fixture) => {
    f.world.lockOut();
    f.reader.put(...testBatches(f.reader.lane, 1, 3));
    await expect(deliverNext(await f.delivery(), f.reader)).rejects.toMatchObject({ severity: "transient" });
    expect(f.reader.heldCount).toBe(1);
  },
  "a probe says whether the destination answers, and leaves nothing there": async (f: Fixture) => {
    const sink = await f.sink();
    expect(await sink.probe?.(never)).toMatchObject([{ says: expect.any(String) }]);
    f.world.away(true);
    expect(await sink.probe?.(never)).toMatchObject([{ error: { severity: "transient" } }]);
    expect(f.world.arrivals()).toBe(0);
  },
  "its status is made of plain values, and it stops twice": async (f: Fixture) => {
    const sink = await f.sink();
    expect(JSON.parse(JSON.stringify(sink.status()))).toEqual(sink.status());
    await sink.stop();
    await sink.stop();
  },
};

/** Holds a record sink to them. */
export function recordSinkContract(
  name: string,
  open: () => Promise<SinkWorld>,
  lacks: Lacks<typeof properties> = {},
): void {
  checkProperties(`record sink ${name}`, properties, lacks, async () => new Fixture(await open()));
}
