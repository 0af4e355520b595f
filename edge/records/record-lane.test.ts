import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { seededRandom } from "../../shared/random/random.ts";
import type { Fields, Signal } from "../../shared/telemetry/log.ts";
import { ArrayReader } from "../testing/fakes/array-reader.ts";
import { fakeContext } from "../testing/fakes/component.ts";
import { testBatches, testLane } from "../testing/fakes/test-batches.ts";
import type { SinkRecord } from "./record-destination.ts";
import { RecordLane } from "./record-lane.ts";
import { RecordSink } from "./record-sink.ts";

const never = new AbortController().signal;

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "refusals and failures at random: each event is in the destination once, or buried once (seed %d)",
  async (seed) => {
    const random = seededRandom(seed);
    const refused = new Set(Array.from({ length: 300 }, (_, seq) => seq).filter(() => random.next() < 0.05));
    const taken: number[] = [];
    const sink = new RecordSink(fakeContext(), {
      recordsMax: 1 + Math.floor(random.next() * 40),
      bytesMax: 50 + Math.floor(random.next() * 400),
      destination: {
        group: ({ seq }) => `group ${seq % 3}`,
        write: async (records) => {
          if (random.next() < 0.2) throw new AppError("EDGE_DESTINATION_AWAY", "away in a test");
          const some = records.filter(({ seq }) => refused.has(seq));
          const says = random.next() < 0.3;
          if (some.length > 0 && !says) throw new AppError("EDGE_RECORD_REFUSED", "not wanted");
          for (const { seq } of records) if (!refused.has(seq)) taken.push(seq);
          return some.map((record) => ({ record, reason: "not wanted" }));
        },
        status: () => ({}),
      },
    });
    const reader = new ArrayReader(testLane("driving"));
    reader.put(...testBatches(reader.lane, 6, 50));
    const delivery = sink.lane(reader);
    expect(delivery).toBeInstanceOf(RecordLane);
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      try {
        reader.end(batch, await delivery.deliver(batch, never));
      } catch (thrown) {
        expect(thrown).toMatchObject({ severity: "transient" });
      }
    }
    const buried = reader.buried.flatMap(({ batch: { first, count } }) =>
      Array.from({ length: count }, (_, index) => first + index),
    );
    expect(buried).toEqual([...refused]);
    expect(taken.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, seq) => seq).filter((seq) => !refused.has(seq)),
    );
    expect(sink.status()).toMatchObject({ events: taken.length, refused: refused.size });
  },
);

test("what a destination may have is what was sent without an answer, through all tries, until one finds out", async () => {
  const answers: (() => AppError | undefined)[] = [
    () => new AppError("EDGE_DESTINATION_AWAY", "no connection", { nothingSent: true }),
    () => new AppError("EDGE_DESTINATION_AWAY", "cut off"),
    () => new AppError("EDGE_DESTINATION_AWAY", "no connection", { nothingSent: true }),
    () => undefined,
  ];
  const sink = new RecordSink(fakeContext(), {
    destination: {
      write: async () => {
        const error = answers.shift()?.();
        if (error !== undefined) throw error;
        return undefined;
      },
      status: () => ({}),
    },
  });
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, 1, 5));
  const lane = sink.lane(reader);
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  const mayHave: (number | undefined)[] = [];
  while (answers.length > 0) {
    await lane.deliver(batch, never).catch(() => undefined);
    mayHave.push(lane.mayHave?.(batch));
  }
  // Not sent; sent without an answer; that stays so whatever the next try could not do; taken.
  expect(mayHave).toEqual([0, 5, 5, 5]);
});

test.each([
  [false, 5],
  [true, 0],
])(
  "what is written again after a write without an answer is counted, once (a destination that knows repeats: %p)",
  async (knowsRepeats, counted) => {
    const away = (nothingSent: boolean) => new AppError("EDGE_DESTINATION_AWAY", "away", { nothingSent });
    const answers = [away(true), away(false), away(false), undefined, undefined];
    const write = async () => {
      const error = answers.shift();
      if (error !== undefined) throw error;
      return undefined;
    };
    const said: Fields[] = [];
    const context = { ...fakeContext(), report: (_signal: Signal, fields: Fields = {}) => void said.push(fields) };
    const sink = new RecordSink(context, { destination: { knowsRepeats, write, status: () => ({}) } });
    const reader = new ArrayReader(testLane("driving"));
    reader.put(...testBatches(reader.lane, 2, 5));
    const lane = sink.lane(reader);
    for (let batch = reader.next(); batch !== undefined; batch = reader.next()) {
      const delivery = await lane.deliver(batch, never).catch(() => undefined);
      if (delivery !== undefined) reader.end(batch, delivery);
    }
    expect(answers).toEqual([]);
    expect(reader.counters.get("maybe_repeated") ?? 0).toBe(counted);
    expect(said).toEqual(knowsRepeats ? [] : [{ stream: "driving", lane: 0, first: 0, count: 5 }]);
  },
);

test("who leaves says what the destination has, and counts what will come again", async () => {
  const answers: (AppError | undefined)[] = [
    undefined,
    undefined,
    new AppError("EDGE_DESTINATION_AWAY", "cut off"),
    undefined,
  ];
  const write = async () => {
    const error = answers.shift();
    if (error !== undefined) throw error;
    return undefined;
  };
  const sink = new RecordSink(fakeContext(), { recordsMax: 2, destination: { write, status: () => ({}) } });
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, 1, 10));
  const lane = sink.lane(reader);
  const batch = reader.next();
  if (batch === undefined) throw new Error("nothing was put");
  await lane.deliver(batch, never).catch(() => undefined);
  // Two writes were taken, of the third nobody knows; the fourth was not tried.
  expect([lane.leave?.(batch), reader.counters.get("maybe_repeated")]).toEqual([4, 2]);
  // Said once.
  expect([lane.leave?.(batch), reader.counters.get("maybe_repeated")]).toEqual([0, 2]);
});

test("an event that another agent has numbered keeps its id, whichever lane brings it", async () => {
  const ids: string[] = [];
  const write = async (records: readonly SinkRecord[]) => {
    ids.push(...records.map(({ id }) => id));
    return undefined;
  };
  const sink = new RecordSink(fakeContext(), { destination: { write, status: () => ({}) } });
  const reader = new ArrayReader(testLane("driving", { stream: "agents", epoch: "own", carries: true }));
  const [made] = testBatches(testLane("driving"), 1, 2, 40);
  if (made === undefined) throw new Error("nothing was made");
  reader.put({ ...made, lane: reader.lane, first: 7, carried: "gw-1/e1/driving.0/40-41" });
  const batch = reader.next();
  if (batch !== undefined) await sink.lane(reader).deliver(batch, never);
  expect(ids).toEqual(["gw-1/e1/driving.0/40", "gw-1/e1/driving.0/41"]);
});
