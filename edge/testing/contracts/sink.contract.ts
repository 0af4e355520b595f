/** What every sink must do, whatever its destination. A sink's test calls it with a way to make one. */
import { afterEach, describe, expect, test } from "bun:test";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { LaneReader } from "../../core/channel.ts";
import type { LaneDelivery, Sink } from "../../core/sink.ts";
import { ArrayReader } from "../fakes/array-reader.ts";
import { testBatches, testLane } from "../fakes/test-batches.ts";

/** A sink on a destination of its own. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** Values of the records that the destination has, in its order; undefined when it keeps none. */
  received(): Promise<readonly string[] | undefined>;
  /** Makes the outcome of the next delivery unknown, `after` or before the destination took it; undefined: cannot be. */
  readonly failNext?: (when: "before" | "after") => void;
  /** Makes the destination go away; undefined: it cannot. */
  readonly takeAway?: () => void;
  dispose(): Promise<void>;
}

const never = new AbortController().signal;
const values = (batches: number, count: number) =>
  Array.from({ length: batches * count }, (_, index) => `line ${index}`);

/** Holds a sink to the promises of `edge/core/sink.ts`. */
export function sinkContract(name: string, open: () => Promise<SinkUnderTest>): void {
  describe(`${name} as a sink`, () => {
    const opened: SinkUnderTest[] = [];
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.dispose();
    });
    const make = async () => {
      const made = await open();
      opened.push(made);
      return made;
    };

    test("has everything that it said it delivered, in order", async () => {
      const { sink, received } = await make();
      await sink.start();
      const reader = lane(4, 3);
      await deliverAll(sink.lane(reader), reader);
      await sink.stop();
      expect((await received()) ?? values(4, 3)).toEqual(values(4, 3));
    });

    test("leaves the records themselves as they are: of a batch's bytes it changes the header at most", async () => {
      const { sink } = await make();
      await sink.start();
      const reader = lane(1, 5);
      const batch = reader.next();
      if (batch === undefined) throw new Error("nothing put");
      const records = Buffer.from(batch.bytes.subarray(61));
      await sink.lane(reader).deliver(batch, never);
      expect(batch.bytes.subarray(61)).toEqual(records);
    });

    test("an unknown outcome rejects as transient, and the same batch again ends in the destination once", async () => {
      for (const when of ["before", "after"] as const) {
        const { sink, received, failNext } = await make();
        if (failNext === undefined) return;
        await sink.start();
        const reader = lane(3, 2);
        const delivery = sink.lane(reader);
        await deliverNext(delivery, reader);
        failNext(when);
        const thrown: unknown = await deliverNext(delivery, reader).catch((error: unknown) => error);
        expect(thrown).toBeInstanceOf(AppError);
        expect(thrown).toMatchObject({ severity: "transient" });
        await deliverAll(delivery, reader);
        expect((await received()) ?? values(3, 2)).toEqual(values(3, 2));
      }
    });

    test("starts without its destination, and a delivery rejects as transient", async () => {
      const { sink, takeAway } = await make();
      if (takeAway === undefined) return;
      takeAway();
      await sink.start();
      const reader = lane(1, 1);
      await expect(deliverNext(sink.lane(reader), reader)).rejects.toMatchObject({ severity: "transient" });
    });

    test("an abort ends a delivery: it resolves or rejects as transient, and never hangs", async () => {
      const { sink } = await make();
      await sink.start();
      const reader = lane(1, 1);
      const stopping = new AbortController();
      const ended = deliverNext(sink.lane(reader), reader, stopping.signal).catch((error: unknown) => error);
      stopping.abort();
      const result = await ended;
      if (result instanceof Error) expect(result).toMatchObject({ severity: "transient" });
    });

    test("stops unstarted, twice, and says its status at any time", async () => {
      const { sink } = await make();
      expect(() => JSON.stringify(sink.status())).not.toThrow();
      await sink.stop();
      await sink.stop();
      expect(() => JSON.stringify(sink.status())).not.toThrow();
    });
  });
}

function lane(batches: number, count: number): ArrayReader {
  const reader = new ArrayReader(testLane("driving"));
  reader.put(...testBatches(reader.lane, batches, count));
  return reader;
}

async function deliverNext(delivery: LaneDelivery, reader: LaneReader, signal = never): Promise<string> {
  const batch = reader.next();
  if (batch === undefined) return "idle";
  const result = await delivery.deliver(batch, signal);
  if (result.kind === "delivered") reader.acknowledge(batch, result.mark);
  return result.kind;
}

async function deliverAll(delivery: LaneDelivery, reader: LaneReader): Promise<void> {
  while ((await deliverNext(delivery, reader)) === "delivered");
}
