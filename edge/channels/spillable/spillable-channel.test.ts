import { expect, test } from "bun:test";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import { drain, identityOf, makeBatch, plainChoice, spec } from "../../testing/contracts/batches.ts";
import { channelContract } from "../../testing/contracts/channel.contract.ts";
import { openChannelStore } from "../sqlite/open.ts";
import { SpillableChannel } from "./spillable-channel.ts";

/** A data folder in which a spillable channel can be opened, and opened again. */
function place(memoryBytesMax: number) {
  const dir = tempDir();
  const clock = new VirtualClock();
  const random = seededRandom(7);
  const open = (choice: Partial<StoredChannel> = {}) => {
    // Each start is another process: its lanes have another name.
    clock.advance(1);
    const stored = plainChoice(choice);
    const store = openChannelStore({
      dataDir: dir.path,
      agent: "agent",
      channels: new Map([["main", stored]]),
      clock,
      random,
      report: silent,
      metrics: new Metrics(),
      reserveBytes: 0,
    });
    const { settings } = stored;
    const channel = new SpillableChannel({
      name: "main",
      agent: "agent",
      settings,
      memoryBytesMax,
      store,
      clock,
      report: silent,
    });
    return {
      store,
      channel,
      put: (batches: Parameters<typeof channel.put>[0]) => channel.put(batches, () => {}),
      mark: () => store.commit({ batches: [], positions: [], counters: [] }),
      close: () => {
        void channel.close();
        store.close();
      },
      crash: () => store.abandon(),
    };
  };
  return { clock, durable: false, open, [Symbol.dispose]: () => dir[Symbol.dispose]() };
}

channelContract("spillable, all of it on the disk", () => place(0));

test.each([1, 2, 3, 4, 5, 6])(
  "whatever is spilled, delivered, split, buried, stopped and killed, it is a queue (seed %d)",
  async (seed) => {
    using world = place(60_000);
    const random = seededRandom(seed);
    const pick = (bound: number) => Math.floor(random.next() * bound);
    let open = world.open();
    let lane = open.channel.createLane(spec);
    /** Identities that are held, in order; `next` is what the next record of the lane gets. */
    let held: string[] = [];
    let next = 0;
    const named = (first: number, count: number) =>
      Array.from({ length: count }, (_, index) => `${lane.epoch}/${first + index}`);
    /** Takes the oldest batch of all lanes, as the runner does: earlier lanes first. */
    const oldest = () => {
      const reader = open.channel
        .lanes()
        .toSorted((one, other) => one.id - other.id)
        .map((each) => open.channel.reader(each))
        .find((each) => each.next() !== undefined);
      const batch = reader?.next();
      return reader === undefined || batch === undefined ? undefined : { reader, batch };
    };
    for (let step = 0; step < 200; step++) {
      const action = pick(12);
      if (action < 5) {
        const batch = makeBatch(lane, next, 1 + pick(5), 1 + pick(20_000), random);
        held.push(...named(next, batch.count));
        next += batch.count;
        open.put([batch]);
      } else if (action < 9) {
        const head = oldest();
        expect(head === undefined).toBe(held.length === 0);
        if (head === undefined) continue;
        const { reader, batch } = head;
        const identity = identityOf(batch);
        expect(`${identity?.epoch}/${identity?.first}`).toBe(held[0] ?? "");
        expect([reader.lane.epoch, batch.first]).toEqual([identity?.epoch ?? "", identity?.first ?? -1]);
        if (pick(8) === 0 && batch.kind === "records" && batch.count > 1) {
          reader.replace(batch, [
            makeBatch(reader.lane, batch.first, 1),
            makeBatch(reader.lane, batch.first + 1, batch.count - 1),
          ]);
        } else if (pick(8) === 0) {
          reader.bury(batch, "refused");
          const marker = reader.next();
          expect(marker).toMatchObject({ kind: "shed", first: batch.first, count: batch.count });
          expect(marker === undefined ? undefined : identityOf(marker)).toMatchObject({
            epoch: identity?.epoch,
            first: batch.first,
            reason: "dead",
          });
          if (marker !== undefined) reader.acknowledge(marker, undefined);
          held = held.slice(batch.count);
        } else {
          // What is under way may be spilled before its answer comes.
          if (pick(2) === 0 && reader.lane === lane) {
            const more = makeBatch(lane, next, 1, 80_000, random);
            held.push(...named(next, 1));
            next++;
            open.put([more]);
          }
          reader.acknowledge(batch, undefined);
          held = held.slice(batch.count);
        }
      } else if (action === 9) open.mark();
      else if (action === 10 && pick(4) === 0) {
        open.close();
        open = world.open();
        lane = open.channel.createLane(spec);
        next = 0;
      } else if (action === 11 && pick(4) === 0) {
        open.mark();
        // A kill takes what only memory has: the end of the lane, without a hole before it.
        const onDisk = open.store.channel("main").stat().events;
        open.crash();
        held = held.slice(0, onDisk);
        open = world.open();
        lane = open.channel.createLane(spec);
        next = 0;
      }
      expect(open.channel.stat().events).toBe(held.length);
      for (const books of open.channel.stat().lanes) {
        expect([books.shed, books.put]).toEqual([0, books.sent + books.dead + books.held]);
      }
    }
    open.close();
  },
);

test("a position may move when its batch was delivered or is on the disk, and not before", async () => {
  using world = place(1024 * 1024);
  const { channel, store } = world.open();
  const lane = channel.createLane(spec);
  let ended = 0;
  const put = (first: number) => channel.put([makeBatch(lane, first, 1)], () => ended++);
  put(0);
  put(1);
  expect(ended).toBe(0);
  drain(channel.reader(lane));
  expect(ended).toBe(2);
  put(2);
  put(3);
  expect([ended, channel.isBehind()]).toEqual([2, false]);
  await channel.close();
  expect([ended, channel.stat().lanes[0]?.held, store.channel("main").stat().events]).toEqual([4, 2, 2]);
  store.close();
});

test("while the disk takes nothing, what memory holds is delivered, and what it holds too much waits", async () => {
  using world = place(20_000);
  const { channel, store } = world.open();
  const lane = channel.createLane(spec);
  const commit = store.commit.bind(store);
  const { AppError } = await import("../../../shared/errors/app-error.ts");
  store.commit = () => {
    throw new AppError("EDGE_CHANNEL_FULL", "no room");
  };
  let ended = 0;
  const put = (first: number) => channel.put([makeBatch(lane, first, 2, 15_000)], () => ended++);
  put(0);
  put(2);
  put(4);
  expect([channel.admission(), ended, channel.stat().events]).toEqual(["blocked", 0, 6]);
  const reader = channel.reader(lane);
  const head = reader.next();
  if (head !== undefined) reader.acknowledge(head, undefined);
  expect(ended).toBe(1);
  store.commit = commit;
  // The same work succeeds; what was delivered meanwhile does not come again.
  put(6);
  expect([channel.admission(), store.channel("main").stat().events > 0]).toEqual(["open", true]);
  expect(drain(reader).flatMap(({ first, count }) => [first, count])).toEqual([2, 2, 4, 2, 6, 2]);
  expect([ended, channel.stat().events]).toEqual([4, 0]);
  await channel.close();
  store.close();
});
