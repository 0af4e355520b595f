/**
 * The kafka channel on a real broker beside a model of a few lines: both are given the same random actions (put, take, cut, bury,
 * close and open again with a batch under way), and after each they must agree. What a channel promises, for one that is a topic.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { configSchema } from "../../../edge/channels/kafka/config.ts";
import { KafkaChannel } from "../../../edge/channels/kafka/kafka-channel.ts";
import { openChannelStore } from "../../../edge/channels/sqlite/open.ts";
import type { LaneReader } from "../../../edge/core/channel.ts";
import { plainLayout } from "../../../edge/core/layout.ts";
import { splitBatch } from "../../../edge/core/split-batch.ts";
import type { PutBatch, StoredBatch } from "../../../edge/core/stored-batch.ts";
import { makeBatch, spec } from "../../../edge/testing/contracts/batches.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom, systemRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

const within = { withinMs: 30_000, everyMs: 5 };
const settings = { compression: "none", identity: true, batchBytesMax: 256 * 1024 } as const;
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

const bodies = (batch: PutBatch) => [...decodeRecords(batch.bytes)].map(({ value }) => value.toString("latin1"));

/** A channel that can be closed and opened again in one place. */
class World implements AsyncDisposable {
  private readonly dir = tempDir();
  private opened: ReturnType<World["open"]>;

  constructor(
    private readonly topic: string,
    private readonly parseAsFlumeEvent: boolean,
  ) {
    this.opened = this.open();
  }

  get channel(): KafkaChannel {
    return this.opened.channel;
  }

  /** Resolves when the topic has them. */
  async put(counts: readonly number[], next: number, random: ReturnType<typeof seededRandom>): Promise<string[]> {
    const { channel, lane } = this.opened;
    let first = channel.nextSeq(lane);
    const batches = counts.map((count, index) => {
      const batch = makeBatch(lane, first, count, 1 + Math.floor(random.next() * 20_000), seededRandom(next + index));
      first += count;
      return batch;
    });
    let ended = 0;
    channel.put(batches, () => ended++);
    expect(channel.stat().batches).toBe(batches.length);
    await until(
      "the topic to have them",
      () => ended,
      (count) => count === batches.length,
      within,
    );
    expect(channel.stat()).toMatchObject({ events: 0, batches: 0, bytes: 0, admission: "open" });
    return batches.flatMap(bodies);
  }

  async reopen(): Promise<void> {
    await this.close();
    this.opened = this.open();
  }

  private open() {
    const store = openChannelStore({
      dataDir: this.dir.path,
      agent: "agent",
      channels: new Map(),
      clock: systemClock,
      random: systemRandom,
      report: silent,
      metrics: new Metrics(),
      reserveBytes: 0,
    });
    const { topic, parseAsFlumeEvent } = this;
    const config = configSchema().parse({ brokers: [broker.address], topic, parseAsFlumeEvent, sessionTimeout: "6s" });
    const context = { name: "main", agent: "agent", dataDir: this.dir.path, clock: systemClock, random: systemRandom };
    const channel = new KafkaChannel(config, settings, { ...context, report: silent, metrics: new Metrics(), store });
    channel.drainedBy(plainLayout("main"));
    return { store, channel, lane: channel.createLane(spec) };
  }

  private async close(): Promise<void> {
    await this.opened.channel.close();
    this.opened.store.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.dir[Symbol.dispose]();
  }
}

test.each([
  [1, true],
  [2, false],
  [3, true],
])(
  "agrees with a model under random actions (seed %d, Flume's format %p)",
  async (seed, parseAsFlumeEvent) => {
    const topic = `model-${seed}`;
    await createTopic(broker.internalAddress, topic);
    await using world = new World(topic, parseAsFlumeEvent);
    const random = seededRandom(seed);
    const pick = (bound: number) => Math.floor(random.next() * bound);
    /** What no sink has, in order; `ended` is the number of the first of it. */
    let held: string[] = [];
    let ended = 0;
    let puts = 0;
    let session: string | undefined;
    let mark: string | undefined;
    /** The only lane; everything held has arrived there. */
    const reader = async (): Promise<LaneReader | undefined> => {
      await until(
        "what is held to be read",
        () => world.channel.stat().lanes.reduce((sum, each) => sum + (each.lane.stream === "main" ? each.held : 0), 0),
        (count) => count === held.length,
        within,
      );
      const [lane, ...others] = world.channel.lanes();
      expect(others).toEqual([]);
      return lane === undefined ? undefined : world.channel.reader(lane);
    };
    const expectHead = (batch: StoredBatch | undefined) => {
      expect(batch === undefined).toBe(held.length === 0);
      if (batch === undefined) return;
      expect([batch.first, bodies(batch)]).toEqual([ended, held.slice(0, batch.count)]);
    };
    for (let step = 0; step < 120; step++) {
      switch (pick(9)) {
        case 0:
        case 1: {
          const counts = Array.from({ length: 1 + pick(3) }, () => 1 + pick(5));
          held.push(...(await world.put(counts, puts, random)));
          puts += counts.length;
          break;
        }
        case 2:
        case 3:
        case 4: {
          const lane = await reader();
          const batch = lane?.next();
          if (lane === undefined || batch === undefined) break;
          expectHead(batch);
          expectHead(lane.next());
          const second = lane.next(batch);
          if (second !== undefined) expect(second.first).toBe(batch.first + batch.count);
          lane.lease(batch);
          mark = `m${step}`;
          lane.acknowledge(batch, mark);
          held = held.slice(batch.count);
          ended += batch.count;
          break;
        }
        case 5: {
          const lane = await reader();
          const batch = lane?.next();
          if (lane === undefined || batch === undefined || batch.count < 2) break;
          lane.lease(batch);
          const parts = splitBatch(batch);
          lane.replace(batch, parts);
          expect(lane.next()?.count).toBe(parts[0]?.count ?? 0);
          expectHead(lane.next());
          break;
        }
        case 6: {
          const lane = await reader();
          const batch = lane?.next();
          if (lane === undefined || batch === undefined || pick(3) > 0) break;
          lane.lease(batch);
          lane.bury(batch, "refused");
          const marker = lane.next();
          expect([marker?.kind, marker?.first, marker?.count]).toEqual(["shed", batch.first, batch.count]);
          if (marker !== undefined) lane.acknowledge(marker, undefined);
          held = held.slice(batch.count);
          ended += batch.count;
          break;
        }
        case 7: {
          const lane = await reader();
          session = lane === undefined ? session : `s${step}`;
          if (session !== undefined) lane?.saveSession("kafka/out", session);
          break;
        }
        case 8: {
          const lane = await reader();
          const batch = pick(2) === 0 ? lane?.next() : undefined;
          if (batch !== undefined) lane?.lease(batch);
          await world.reopen();
          const again = await reader();
          if (again === undefined) break;
          expect([again.session("kafka/out"), again.mark]).toEqual([session, mark]);
          expect(again.seqAtStart).toBeGreaterThanOrEqual(batch === undefined ? ended : ended + batch.count);
          const rebuilt = again.next();
          expectHead(rebuilt);
          // What was under way comes again as it was.
          if (batch !== undefined) expect([rebuilt?.first, rebuilt?.count]).toEqual([batch.first, batch.count]);
          break;
        }
      }
      for (const { put, sent, shed, dead, held: rest } of world.channel.stat().lanes) {
        expect(put).toBe(sent + shed + dead + rest);
      }
    }
  },
  240_000,
);
