import { describe, expect, test } from "bun:test";
import { Backoff } from "../../../shared/async/backoff.ts";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, PartitionBatch } from "../../../shared/kafka/connection/link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { crcMatches, readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { until } from "../../../shared/testing/until.ts";
import { makeBatch, spec } from "../../testing/contracts/batches.ts";
import { PartitionWriter, type WriterHost } from "./partition-writer.ts";

const lane = { ...spec, id: 1, epoch: "e", number: 0 };

/** Answers as it is told, one send after the other; `lost` is a request of which nobody hears. */
class ScriptedLink {
  clusterId = "c1";
  /** What was sent, one batch behind the other, and up to which offset all replicas have it. */
  log = Buffer.alloc(0);
  highWatermark = 0;
  logEnd = 0;
  readError = 0;
  reads = 0;
  readonly sends: { producer: bigint; sequence: number; count: number; maxTimeMs: number; values: string[] }[] = [];
  /** `lost`: nobody hears of the request; `appended`: the leader has taken it, and nobody hears of it. */
  answers: (number | "lost" | "appended")[] = [];
  /** Happens between two tries. */
  whilePaused: () => void | Promise<void> = () => {};
  private producers = 0n;

  /** Another leader, which has what all replicas had. */
  loseUncommitted(): void {
    let at = 0;
    for (let next = 0; next < this.highWatermark; ) {
      const header = readBatchHeader(this.log, at);
      next += header.recordCount;
      at += header.bytes;
    }
    this.log = this.log.subarray(0, at);
    this.logEnd = this.highWatermark;
  }

  /** Of somebody else, and committed. */
  foreign(bytes: Buffer, count: number): void {
    this.append(bytes, count);
    this.highWatermark = this.logEnd;
  }

  private append(bytes: Buffer, count: number): void {
    const copy = Buffer.from(bytes);
    copy.writeBigInt64BE(BigInt(this.logEnd));
    this.log = Buffer.concat([this.log, copy]);
    this.logEnd += count;
  }

  readonly link = {
    ready: async () => 1,
    initProducerId: async () => ({ errorCode: 0 as const, producerId: ++this.producers, producerEpoch: 0 }),
    produce: async (_node: BrokerNode, [batch]: readonly PartitionBatch[]) => {
      if (batch === undefined) throw new Error("a request holds a batch");
      expect(crcMatches(batch.bytes)).toBe(true);
      const { producerId, baseSequence, recordCount, maxTimestampMs } = readBatchHeader(batch.bytes);
      const values = [...decodeRecords(batch.bytes)].map(({ value }) => value.toString());
      this.sends.push({
        producer: producerId,
        sequence: baseSequence,
        count: recordCount,
        maxTimeMs: maxTimestampMs,
        values,
      });
      const answer = this.answers.shift() ?? 0;
      const baseOffset = this.logEnd;
      if (answer === "appended" || answer === 0) this.append(batch.bytes, recordCount);
      if (answer === 0) this.highWatermark = this.logEnd;
      if (answer === "lost" || answer === "appended") throw new AppError("KAFKA_UNREACHABLE", "produce: no answer");
      return [{ errorCode: answer, baseOffset, appendTimeMs: -1, throttleMs: 0 }];
    },
    endOffset: async () => ({ errorCode: 0, offset: this.highWatermark }),
    readLog: async (_node: BrokerNode, _topic: string, _partition: number, offset: number) => {
      this.reads++;
      let at = 0;
      for (let next = 0; at < this.log.length && next < offset; ) {
        const header = readBatchHeader(this.log, at);
        next += header.recordCount;
        at += header.bytes;
      }
      const { readError: errorCode, highWatermark } = this;
      return { errorCode, highWatermark, logStartOffset: 0, bytes: this.log.subarray(at) };
    },
  };
}

function open(answers: ScriptedLink["answers"] = []) {
  const script = new ScriptedLink();
  script.answers = answers;
  const clock = new VirtualClock();
  const said = { failed: 0, repeated: 0, doubted: 0 };
  const ended = { taken: 0, refused: [] as string[] };
  const host: WriterHost = {
    link: script.link,
    topic: "t",
    clock,
    signal: new AbortController().signal,
    backoff: () => new Backoff({ initialMs: 1, maxMs: 1 }, seededRandom(1)),
    leader: async () => ({ clusterId: script.clusterId, nodeId: 1, host: "h", port: 1 }),
    doubtRoute: () => said.doubted++,
    worked: () => {},
    failed: () => said.failed++,
    maybeRepeated: (_, count) => {
      said.repeated += count;
    },
    pause: async () => script.whilePaused(),
  };
  const writer = new PartitionWriter(0, host);
  const push = (first: number, count: number) =>
    writer.push({
      batch: makeBatch(lane, first, count),
      taken: (taken) => {
        ended.taken += taken;
      },
      refused: (_, reason) => ended.refused.push(reason),
    });
  const settled = (count: number) =>
    until(
      "all to end",
      () => ended.taken + ended.refused.length,
      (sum) => sum === count,
      { withinMs: 10_000 },
    );
  return { script, clock, said, ended, push, settled };
}

test("parts go out in order, one at a time, under rising numbers", async () => {
  const { script, said, push, settled } = open();
  push(0, 3);
  push(3, 2);
  await settled(5);
  expect(script.sends.map(({ producer, sequence, count }) => [producer, sequence, count])).toEqual([
    [1n, 0, 3],
    [1n, 3, 2],
  ]);
  expect(said).toEqual({ failed: 0, repeated: 0, doubted: 0 });
});

test("no answer, not the leader, timed out: the same bytes under the same numbers, until they are answered for", async () => {
  const { script, said, push, settled } = open([
    "lost",
    errors.NOT_LEADER_OR_FOLLOWER,
    errors.REQUEST_TIMED_OUT,
    errors.NONE,
  ]);
  push(0, 3);
  push(3, 1);
  await settled(4);
  expect(script.sends.map(({ producer, sequence }) => [producer, sequence])).toEqual([
    [1n, 0],
    [1n, 0],
    [1n, 0],
    [1n, 0],
    [1n, 3],
  ]);
  expect(new Set(script.sends.slice(0, 4).map(({ values }) => values.join())).size).toBe(1);
  expect(said).toEqual({ failed: 3, repeated: 0, doubted: 3 });
});

describe("46 says what the leader has, and proves nothing", () => {
  const { DUPLICATE_SEQUENCE_NUMBER: duplicate } = errors;

  test("as long as its followers have not taken it, it has not ended; another leader, which never had it, gets it", async () => {
    const { script, ended, said, push, settled } = open([0, "appended", duplicate, duplicate]);
    let tries = 0;
    script.whilePaused = () => {
      // The leader is gone, and what only it had: the next one appends.
      if (++tries === 3) script.loseUncommitted();
      expect(ended.taken).toBe(3);
    };
    push(0, 3);
    push(3, 2);
    await settled(5);
    expect(tries).toBe(3);
    expect(script.sends.map(({ producer, sequence }) => [producer, sequence])).toEqual([
      [1n, 0],
      [1n, 3],
      [1n, 3],
      [1n, 3],
      [1n, 3],
    ]);
    expect([script.logEnd, script.highWatermark, said.repeated]).toEqual([5, 5, 0]);
  });

  test("read back below the high watermark it has ended, and was not sent again", async () => {
    const { script, said, push, settled } = open([0, "appended", duplicate]);
    push(0, 3);
    script.whilePaused = () => {
      script.highWatermark = script.logEnd;
    };
    push(3, 2);
    push(5, 1);
    await settled(6);
    expect(script.sends.map(({ sequence }) => sequence)).toEqual([0, 3, 3, 5]);
    expect([script.logEnd, script.reads, said.repeated]).toEqual([6, 1, 0]);
  });

  test("the first batch of all is looked for from where the log ended before it", async () => {
    const { script, said, push, settled } = open(["appended", duplicate]);
    script.foreign(makeBatch(lane, 0, 7).bytes, 7);
    script.whilePaused = () => {
      script.highWatermark = script.logEnd;
    };
    push(0, 2);
    await settled(2);
    expect([script.sends.length, script.logEnd, said.repeated]).toEqual([2, 9, 0]);
  });

  test.each([errors.TOPIC_AUTHORIZATION_FAILED, errors.UNSUPPORTED_VERSION])(
    "who may not read the topic (%d) sends it again under another producer, and counts that",
    async (errorCode) => {
      const { script, said, push, settled } = open(["appended", duplicate]);
      script.readError = errorCode;
      push(0, 2);
      await settled(2);
      expect(script.sends.map(({ producer }) => producer)).toEqual([1n, 1n, 2n]);
      expect(said.repeated).toBe(2);
    },
  );

  test("a broker that cannot answer the look now is asked again", async () => {
    const { script, said, push, settled } = open(["appended", duplicate, duplicate]);
    script.readError = errors.NOT_LEADER_OR_FOLLOWER;
    script.whilePaused = () => {
      if (script.reads > 0) script.readError = 0;
      script.highWatermark = script.logEnd;
    };
    push(0, 2);
    await settled(2);
    expect([script.sends.length, script.reads, said.repeated]).toEqual([3, 2, 0]);
  });
});

test("a producer that the broker does not know any more is another one: what was in doubt is counted, the rest is not", async () => {
  const certain = open([0, errors.OUT_OF_ORDER_SEQUENCE_NUMBER]);
  certain.push(0, 3);
  certain.push(3, 2);
  await certain.settled(5);
  expect(certain.script.sends.map(({ producer, sequence }) => [producer, sequence])).toEqual([
    [1n, 0],
    [1n, 3],
    [2n, 0],
  ]);
  expect(certain.said.repeated).toBe(0);
  const doubtful = open(["lost", errors.UNKNOWN_PRODUCER_ID]);
  doubtful.push(0, 3);
  await doubtful.settled(3);
  expect(doubtful.said.repeated).toBe(3);
});

test("another cluster at the address is another producer's, and what was in doubt is counted", async () => {
  const { script, said, push, settled } = open(["lost"]);
  script.whilePaused = () => {
    script.clusterId = "c2";
  };
  push(0, 2);
  await settled(2);
  expect(script.sends.map(({ producer, sequence }) => [producer, sequence])).toEqual([
    [1n, 0],
    [2n, 0],
  ]);
  expect(said.repeated).toBe(2);
});

test("too large: halves, and what is too large alone is refused; its neighbours arrive in order", async () => {
  const { MESSAGE_TOO_LARGE: large } = errors;
  const { script, ended, push, settled } = open([large, 0, large, large, 0]);
  push(0, 4);
  await settled(4);
  expect(script.sends.map(({ sequence, count }) => [sequence, count])).toEqual([
    [0, 4],
    [0, 2],
    [2, 2],
    [2, 1],
    [2, 1],
  ]);
  expect([ended.taken, ended.refused.length]).toEqual([3, 1]);
  expect(ended.refused[0]).toContain("MESSAGE_TOO_LARGE");
});

test("time stamps that the topic refuses are moved to now, and then back by hours", async () => {
  const { INVALID_TIMESTAMP: time } = errors;
  const { script, clock, push, settled } = open([time, time, time]);
  push(0, 2);
  await settled(2);
  const now = clock.now();
  expect(script.sends.map(({ maxTimeMs }) => (maxTimeMs - now) / 3_600_000).slice(1)).toEqual([0, -1, -3]);
});

test("a send that waited for a day may be there twice: the broker has forgotten who sent it", async () => {
  const { script, clock, said, push, settled } = open(["lost", "lost"]);
  script.whilePaused = () => clock.advance(20 * 3_600_000);
  push(0, 2);
  await settled(2);
  expect([script.sends.length, said.repeated]).toEqual([3, 2]);
});

test("a send that waits on after a day is counted once, however often it is tried", async () => {
  const { script, clock, said, push, settled } = open(["lost", "lost", "lost", "lost"]);
  script.whilePaused = () => clock.advance(24 * 3_600_000);
  push(0, 3);
  await settled(3);
  expect(said).toMatchObject({ failed: 4, repeated: 3 });
});

test("what is in doubt and then too large goes out in parts, and may be there twice: it is counted", async () => {
  const { said, ended, push, settled } = open(["lost", errors.MESSAGE_TOO_LARGE]);
  push(0, 4);
  await settled(4);
  expect(ended).toEqual({ taken: 4, refused: [] });
  expect(said.repeated).toBe(4);
});

test("a broker that refuses every time: the steps back end where no clock can be, and begin anew; a clock that is set is found", async () => {
  const { script, clock, ended, push, settled } = open(Array.from({ length: 60 }, () => errors.INVALID_TIMESTAMP));
  // As a machine would whose turn comes between two tries.
  script.whilePaused = () => new Promise((resolve) => setTimeout(resolve, 1));
  push(0, 1);
  await settled(1);
  expect(ended.taken).toBe(1);
  const times = script.sends.map(({ maxTimeMs }) => maxTimeMs);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(1_690_000_000_000);
  // As of now, again and again.
  const now = clock.now();
  expect(times.slice(1).filter((timeMs) => timeMs === now).length).toBeGreaterThan(2);
}, 20_000);

test("events of long ago are sent as of now: a topic's retention would delete them before anybody took them", async () => {
  const { script, clock, push, settled } = open();
  push(0, 2);
  clock.advance(30 * 24 * 3_600_000);
  push(2, 2);
  await settled(4);
  expect(script.sends.map(({ maxTimeMs }) => maxTimeMs >= clock.now() - 30 * 24 * 3_600_000)).toEqual([true, true]);
  expect(script.sends.at(-1)?.maxTimeMs).toBe(clock.now());
});
