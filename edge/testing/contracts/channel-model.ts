/**
 * A channel beside a model of a few lines: both are given the same random actions, and after each they must agree.
 */
import { expect } from "bun:test";
import type { VirtualClock } from "../../../shared/clock/clock.ts";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import type { Channel } from "../../core/channel.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { describeBatch, drain, makeBatch, spec } from "./batches.ts";

/** An open channel and the way to put into it. */
export interface OpenChannel {
  readonly channel: Channel;
  put(batches: readonly PutBatch[]): void;
  /** What is acknowledged becomes durable. */
  mark(): void;
  close(): void;
  /** Ends without writing anything more. */
  crash(): void;
}

/** A place where a channel can be opened, and opened again. */
export interface ChannelWorld extends Disposable {
  readonly clock: VirtualClock;
  /** Whether what was put is there after a close or a crash. */
  readonly durable: boolean;
  open(choice?: Partial<StoredChannel>): OpenChannel;
}

/** The model: an array, and how far it was marked. */
interface Model {
  held: PutBatch[];
  next: number;
  sent: number;
  dead: number;
}

/** Three hundred actions from one seed. */
export function runModel(world: ChannelWorld, seed: number): void {
  const random = seededRandom(seed);
  const pick = (bound: number) => Math.floor(random.next() * bound);
  let open = world.open();
  let lane = open.channel.createLane(spec);
  const model: Model = { held: [], next: 0, sent: 0, dead: 0 };
  let durable: Model = structuredModel(model);
  for (let step = 0; step < 300; step++) {
    world.clock.advance(pick(300));
    const reader = open.channel.reader(lane);
    switch (pick(10)) {
      case 0:
      case 1:
      case 2: {
        const batches: PutBatch[] = [];
        for (let left = pick(4); left >= 0; left--) {
          const batch = makeBatch(lane, model.next, 1 + pick(5), sizes(random), random);
          model.next += batch.count;
          batches.push(batch);
        }
        open.put(batches);
        model.held.push(...batches);
        durable = structuredModel(model);
        break;
      }
      case 3:
      case 4:
      case 5:
      case 6: {
        const batch = reader.next();
        const expected = model.held.shift();
        expect(describeBatch(batch)).toEqual(describeBatch(expected));
        if (batch === undefined || expected === undefined) break;
        if (expected.kind === "records") model.sent += expected.count;
        reader.acknowledge(batch, undefined);
        break;
      }
      case 7: {
        const batch = reader.next();
        const expected = model.held[0];
        if (batch === undefined || expected === undefined || expected.count < 2) break;
        const parts = [
          makeBatch(lane, expected.first, 1, sizes(random), random),
          makeBatch(lane, expected.first + 1, expected.count - 1, sizes(random), random),
        ];
        reader.replace(batch, parts);
        model.held.splice(0, 1, ...parts);
        durable = structuredModel(model);
        break;
      }
      case 8:
        open.mark();
        durable = structuredModel(model);
        break;
      case 9: {
        if (!world.durable) break;
        const crashed = pick(2) === 0;
        if (crashed) {
          open.crash();
          Object.assign(model, structuredModel(durable));
        } else {
          open.close();
          durable = structuredModel(model);
        }
        open = world.open();
        const again = open.channel.lanes()[0];
        if (again !== undefined) lane = again;
        else lane = open.channel.createLane(spec);
        expect(open.channel.nextSeq(lane)).toBe(model.next);
        expect(open.channel.reader(lane).seqAtStart).toBe(model.next);
        break;
      }
    }
    const held = model.held.reduce((sum, { count }) => sum + count, 0);
    const stat = open.channel.stat();
    expect([stat.events, stat.batches]).toEqual([held, model.held.length]);
    for (const books of stat.lanes) expect(books.put).toBe(books.sent + books.shed + books.dead + books.held);
    expect(stat.bytes === 0).toBe(held === 0);
  }
  const rest = drain(open.channel.reader(lane));
  expect(rest.map(describeBatch)).toEqual(model.held.map(describeBatch));
  open.close();
}

/** Of a slot's size, of a page's, of many pages'. */
function sizes(random: Random): number {
  const kind = random.next();
  return (
    Math.ceil(kind < 0.4 ? 50 + random.next() * 500 : kind < 0.8 ? random.next() * 5_000 : random.next() * 200_000) + 1
  );
}

function structuredModel(model: Model): Model {
  return { ...model, held: [...model.held] };
}
