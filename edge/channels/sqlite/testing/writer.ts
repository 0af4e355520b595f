/**
 * A process to be killed: puts batches whose content follows from their number, acknowledges some, and says on standard
 * output what it was told is durable. `bun writer.ts DATA_DIR COMMITS SEED`; COMMITS 0: for ever.
 */
import { writeSync } from "node:fs";
import { systemClock } from "../../../../shared/clock/clock.ts";
import { AppError } from "../../../../shared/errors/app-error.ts";
import { seededRandom, systemRandom } from "../../../../shared/random/random.ts";
import { type Report, silent } from "../../../../shared/telemetry/log.ts";
import { Metrics } from "../../../../shared/telemetry/metrics.ts";
import type { CommitWork } from "../../../core/channel-store.ts";
import type { Lane } from "../../../core/lane.ts";
import type { PutBatch } from "../../../core/stored-batch.ts";
import { makeBatch, plainChoice } from "../../../testing/contracts/batches.ts";
import { openChannelStore } from "../open.ts";
import type { SqliteStore } from "../store.ts";

/** The lane that the writer writes. */
export const spec = { channel: "main", stream: "driving", group: "driving", part: undefined } as const;

/** The batch that begins at this number: always the same. */
export function batchAt(lane: Lane, first: number): PutBatch {
  const random = seededRandom(first);
  const small = random.next() < 0.6;
  return makeBatch(
    lane,
    first,
    1 + Math.floor(random.next() * 5),
    20 + Math.floor(random.next() * (small ? 3_000 : 60_000)),
  );
}

/** Opens what the writer writes. */
export function openWritten(
  dataDir: string,
  reserveBytes = 0,
  report: Report = silent,
  onDamage?: (error: AppError) => void,
): SqliteStore {
  return openChannelStore({
    dataDir,
    agent: "agent",
    channels: new Map([["main", plainChoice({ keptBytes: 200_000 })]]),
    clock: systemClock,
    random: systemRandom,
    report,
    metrics: new Metrics(),
    reserveBytes,
    onDamage,
  });
}

/** What a commit holds, with position and counter that must agree with the numbers. */
export function work(lane: Lane, first: number, batches: number) {
  const put: PutBatch[] = [];
  let next = first;
  for (let left = batches; left > 0; left--) {
    const batch = batchAt(lane, next);
    put.push(batch);
    next += batch.count;
  }
  return {
    batches: put,
    positions: [{ stream: "driving", key: "a.log", value: String(next) }],
    counters: [{ stream: "driving", name: "read", amount: next - first }],
  };
}

/** As the committer does: the same work again until it is stored. */
function commitAtLast(store: SqliteStore, item: CommitWork, say: (what: string, value: number) => void): void {
  for (let tries = 1; tries <= 40; tries++) {
    try {
      store.commit(item);
      return;
    } catch (error) {
      if (!(error instanceof AppError) || error.severity !== "transient") throw error;
      say(`refused-${error.code}`, tries);
      Bun.sleepSync(100);
    }
  }
  throw new AppError("EDGE_CHANNEL_IO", "commit: refused 40 times");
}

function run(dataDir: string, commits: number, seed: number): void {
  const say = (what: string, value: number) => writeSync(1, `${what} ${value}\n`);
  const random = seededRandom(seed);
  const store = openWritten(dataDir);
  const channel = store.channel("main");
  const lane = channel.lanes()[0] ?? channel.createLane(spec);
  const reader = channel.reader(lane);
  for (let done = 0; commits === 0 || done < commits; done++) {
    const batches = Math.floor(random.next() * 3);
    const next = channel.nextSeq(lane);
    const acked = () => Number(reader.mark ?? 0);
    const item = work(lane, next, batches);
    commitAtLast(store, item, say);
    say("put", channel.nextSeq(lane));
    say("marked", acked());
    for (let left = Math.floor(random.next() * 3); left > 0; left--) {
      const batch = reader.next();
      if (batch === undefined) break;
      say("sent", batch.first + batch.count);
      reader.acknowledge(batch, String(batch.first + batch.count));
    }
  }
  try {
    store.close();
  } catch (error) {
    // The last marks were refused: what they mark comes again, as after a crash.
    if (!(error instanceof AppError) || error.severity !== "transient") throw error;
    say(`close-refused-${error.code}`, 0);
  }
  say("closed", channel.nextSeq(lane));
}

if (import.meta.main) run(String(process.argv[2]), Number(process.argv[3]), Number(process.argv[4]));
