import { afterEach, expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { type Heartbeat, readHeartbeat } from "../../shared/heartbeat/heartbeat.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { until } from "../../shared/testing/until.ts";
import type { HeartbeatConfig } from "../config/agent-config.ts";
import type { SingleMessage } from "../core/sink.ts";
import type { LaneVitals, Vitals } from "../engine/vitals.ts";
import { Heart } from "./heart.ts";

const config: HeartbeatConfig = { topic: "beats", sink: undefined, everyMs: 100, jitter: 0 };

/** A sink that is there or away, and what it was told. */
class World {
  readonly clock = new VirtualClock();
  readonly told: { readonly message: SingleMessage; readonly beat: Heartbeat }[] = [];
  readonly said: string[] = [];
  away = false;
  lanes: LaneVitals[] = [];
  carriers = true;
  readonly heart = new Heart({
    agent: "gw-1",
    version: "test",
    vitals: () => this.vitals(),
    configHash: () => "c0ffee",
    clock: this.clock,
    random: seededRandom(1),
    report: ({ name }) => this.said.push(name),
    metrics: new Metrics(),
  });

  vitals(): Vitals {
    const tell = async (message: SingleMessage) => {
      this.clock.advance(1_000);
      if (this.away) throw new AppError("KAFKA_UNREACHABLE", "send in a test: away");
      const reading = readHeartbeat(Buffer.from(message.value));
      if (!reading.ok) throw new Error(reading.reason);
      this.told.push({ message, beat: reading.beat });
    };
    const messengers = new Map(this.carriers ? [["out", { tell }]] : []);
    return {
      epoch: "e1",
      lanes: this.lanes,
      backlog: { events: 0, bytes: 0 },
      freeDiskBytes: 5,
      counts: new Map([["drive", { lost_at_source: 3, cut: 0 }]]),
      messengers,
    };
  }
}

let world = new World();
afterEach(() => {
  world.heart.configure(undefined);
  world = new World();
});

const lane = (from: number, assigned: number, number = 0): LaneVitals => ({
  lane: { id: number, channel: "main", stream: "drive", epoch: "e1", number, group: "drive", part: undefined },
  assigned,
  oldest: { from, timeMs: from < assigned ? 1_700_000_000_000 : undefined },
  held: assigned - from,
  shed: 0,
  dead: 0,
  began: 0,
});

test("tells lanes, backlog and losses under the agent's name, again and again", async () => {
  world.lanes = [lane(3, 10)];
  world.heart.configure(config);
  await until("heartbeats", () => world.told.length >= 2);
  const [first, second] = world.told;
  expect(first?.message).toMatchObject({ topic: "beats", key: "gw-1" });
  expect(first?.message.identity).toMatch(/^gw-1\/e1\/heartbeat\.0\/1@\d+$/);
  expect(first?.beat).toMatchObject({
    n: 1,
    config: "c0ffee",
    streams: [{ stream: "drive", counts: [["lost_at_source", 3]] }],
    lanes: [{ assigned: 10, unsentFrom: 3, held: 7, unsentMs: 1_700_000_000_000 }],
  });
  expect(second?.beat).toMatchObject({ n: 2, run: first?.beat.run });
});

test("an outage is told at once when it is over, and its last words are said once", async () => {
  world.lanes = [lane(0, 0)];
  world.heart.configure(config);
  await until("heartbeats", () => world.told.length >= 1);
  world.away = true;
  world.lanes = [lane(4, 20)];
  await until("the line in the log", () => world.said.includes("heartbeat_unsent"));
  world.away = false;
  await until("the outage told", () => world.told.some(({ beat }) => beat.outages.length > 0));
  const told = world.told.find(({ beat }) => beat.outages.length > 0)?.beat;
  expect(told?.outages[0]?.lanes).toEqual([{ stream: "drive", epoch: "e1", lane: 0, first: 4, last: 19 }]);
  expect(world.said).toContain("heartbeat_sent_again");
  await world.heart.lastWords();
  expect(world.told.at(-1)?.beat.stopping).toBe(true);
});

test("last words are not waited for while nothing gets through", async () => {
  world.away = true;
  world.heart.configure(config);
  await until("the line in the log", () => world.said.includes("heartbeat_unsent"));
  await world.heart.lastWords();
  expect(world.told).toEqual([]);
});

test("without a sink that can carry them it says so once and stays quiet", async () => {
  world.carriers = false;
  world.heart.configure(config);
  await until("the line in the log", () => world.said.includes("heartbeat_without_carrier"));
  await Bun.sleep(250);
  expect(world.said).toEqual(["heartbeat_without_carrier"]);
});

test("more lanes than a heartbeat may hold: those with a backlog come first, and it says how many are left out", async () => {
  world.lanes = Array.from({ length: 2_000 }, (_, index) => (index === 1_999 ? lane(1, 9, index) : lane(9, 9, index)));
  world.heart.configure(config);
  await until("heartbeats", () => world.told.length >= 1);
  const beat = world.told[0]?.beat;
  expect(beat?.lanes[0]?.lane).toBe(1_999);
  expect((beat?.lanes.length ?? 0) + (beat?.lanesCut ?? 0)).toBe(2_000);
});
