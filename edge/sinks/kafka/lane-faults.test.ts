/**
 * A lane under random faults, from a seed: requests and answers lost, errors before and after the append, crashes with
 * and without another boot, the broker restarted, days gone by. Whatever happens, the topic holds every record once and
 * in order; where we may not look, what is there twice was counted.
 */
import { expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import type { Fault } from "./testing/fake-broker.ts";
import { World } from "./testing/world.ts";

const minute = 60_000;
const day = 86_400_000;

const faults: readonly Fault[] = [
  "request_lost",
  "answer_lost",
  { code: errors.REQUEST_TIMED_OUT },
  { code: errors.NOT_LEADER_OR_FOLLOWER, appended: true },
  { code: errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND, appended: true },
  { code: errors.NOT_ENOUGH_REPLICAS },
];

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random.next() * items.length)];
  if (item === undefined) throw new Error("pick from nothing");
  return item;
}

async function live(seed: number, mayRead: boolean): Promise<World> {
  const random = seededRandom(seed);
  const world = new World();
  world.broker.mayRead = mayRead;
  world.broker.logAppendTime = random.next() < 0.5;
  const chance = (share: number) => random.next() < share;
  for (let turn = 0; turn < 120; turn++) {
    if (chance(0.4)) world.put(1 + Math.floor(random.next() * 5));
    if (chance(0.05)) world.shed(1 + Math.floor(random.next() * 100));
    if (chance(0.25)) world.broker.faults = [pick(random, faults)];
    if (chance(0.03)) world.broker.faults = [pick(random, faults), pick(random, faults), pick(random, faults)];
    await world.step();
    if (chance(0.2)) world.reader.commit();
    if (chance(0.1)) world.advance(Math.round(random.next() * minute));
    if (chance(0.03)) world.advance(Math.round(day * (0.8 + random.next() * 0.6)));
    if (chance(0.02)) world.clock.setWall(Math.round(random.next() * 2e12));
    if (chance(0.05)) world.broker.restart();
    if (chance(0.07)) world.crash({ reboot: chance(0.3) });
  }
  world.broker.faults = [];
  expect(await world.drain(1_000)).toBe("idle");
  return world;
}

const seeds = Array.from({ length: 250 }, (_, index) => index + 1);

test("where we may look, every record is in the topic once and in order, and nothing was counted", async () => {
  for (const seed of seeds) {
    const world = await live(seed, true);
    expect({ seed, topic: world.inTopic, counted: world.counted }).toEqual({ seed, topic: world.written, counted: {} });
  }
});

test("where we may not, no record is missing or out of order, and no more are repeated than were counted", async () => {
  let repeatedInAll = 0;
  for (const seed of seeds) {
    const world = await live(seed, false);
    const seen = new Set<string>();
    const again = new Set<string>();
    const first = world.inTopic.filter((value) => {
      if (seen.has(value)) again.add(value);
      return !seen.has(value) && seen.add(value);
    });
    expect({ seed, first }).toEqual({ seed, first: world.written });
    // A record may be there three times when two days went by twice: counted is the record, not the copy.
    const repeated = again.size;
    repeatedInAll += repeated;
    const { maybe_repeated: counted = 0 } = world.counted;
    expect(counted, `seed ${seed}`).toBeGreaterThanOrEqual(repeated);
  }
  // Otherwise the test above would not have tried it.
  expect(repeatedInAll).toBeGreaterThan(0);
});
