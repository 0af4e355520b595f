/**
 * Scenarios on a file system that is really full: `bun full-disk.ts SCENARIO DIR`, DIR a tmpfs of 96 MB. Ends with the
 * line `held`, or throws.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../../../../shared/clock/clock.ts";
import { AppError } from "../../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../../shared/random/random.ts";
import { silent } from "../../../../shared/telemetry/log.ts";
import { Metrics } from "../../../../shared/telemetry/metrics.ts";
import type { FullPolicy } from "../../../core/channel.ts";
import type { PutBatch } from "../../../core/stored-batch.ts";
import { makeBatch, plainChoice } from "../../../testing/contracts/batches.ts";
import { fileNames } from "../data-files.ts";
import { openChannelStore } from "../open.ts";
import { spec } from "./writer.ts";

const MiB = 1024 * 1024;

class Scene {
  readonly clock = new VirtualClock();
  readonly store;
  readonly channel;
  readonly lane;
  readonly reader;
  private readonly hog: string;

  constructor(
    readonly dir: string,
    full: FullPolicy,
    bytesMax: number,
  ) {
    this.hog = join(dir, "hog");
    const choice = plainChoice({ full, bytesMax, freeBytesMin: MiB, keptBytes: MiB });
    this.store = openChannelStore({
      dataDir: join(dir, "data"),
      agent: "agent",
      channels: new Map([["main", choice]]),
      clock: this.clock,
      random: seededRandom(1),
      report: silent,
      metrics: new Metrics(),
    });
    this.channel = this.store.channel("main");
    this.lane = this.channel.lanes()[0] ?? this.channel.createLane(spec);
    this.reader = this.channel.reader(this.lane);
    if (existsSync(this.hog)) return; // started on a full disk
    // The reserve is written a megabyte a commit.
    for (let tries = 0; this.reserveBytes() < 32 * MiB; tries++) {
      assert(tries < 60, "the reserve is never whole");
      this.put(200);
    }
  }

  /** Puts a batch; answers what it was refused with. */
  put(size = 100_000): string | undefined {
    this.clock.advance(1_000);
    const batches: PutBatch[] = [makeBatch(this.lane, this.channel.nextSeq(this.lane), 10, size)];
    try {
      this.store.commit({ batches, positions: [], counters: [] });
      return undefined;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return error.code;
    }
  }

  /** Another program takes everything there is. */
  fill(pieceBytes = 64 * 1024): void {
    const some = Buffer.alloc(pieceBytes, 1);
    for (;;) {
      try {
        appendFileSync(this.hog, some);
      } catch {
        assert(this.freeBytes() < 64 * 1024);
        this.clock.advance(1_000);
        return;
      }
    }
  }

  unfill(): void {
    rmSync(this.hog);
    this.clock.advance(1_000);
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.dir);
    return bavail * bsize;
  }

  reserveBytes(): number {
    return statSync(join(this.dir, "data", fileNames.reserve), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Takes out batches as a sink does, with marks; answers how many records came and were shed. */
  drain(batches = Number.POSITIVE_INFINITY): { records: number; shed: number } {
    const came = { records: 0, shed: 0 };
    for (let left = batches; left > 0; left--) {
      const batch = this.reader.next();
      if (batch === undefined) break;
      came[batch.kind] += batch.count;
      this.reader.acknowledge(batch, undefined);
      if (this.store.unmarkedBytes > 4 * MiB) this.store.commit({ batches: [], positions: [], counters: [] });
    }
    this.store.commit({ batches: [], positions: [], counters: [] });
    return came;
  }

  expectBooks(): void {
    const [books] = this.channel.stat().lanes;
    assert(books !== undefined);
    assert.equal(books.put, books.sent + books.shed + books.dead + books.held);
  }

  end(): void {
    this.expectBooks();
    this.store.close();
    writeSync(1, "held\n");
  }
}

const scenarios: Readonly<Record<string, (dir: string) => void>> = {
  "filled-by-others": (dir) => {
    const scene = new Scene(dir, "block", 64 * MiB);
    for (let count = 0; count < 150; count++) assert.equal(scene.put(), undefined);
    const put = scene.channel.nextSeq(scene.lane);
    scene.fill();
    assert.equal(scene.channel.admission(), "blocked");
    for (let count = 0; count < 5; count++) {
      assert.equal(scene.put(), "EDGE_CHANNEL_FULL");
      scene.fill(); // also what we may have given back
    }
    // The destination is back, the disk is as full as before.
    const came = scene.drain();
    assert.deepEqual(came, { records: put, shed: 0 });
    assert.equal(scene.channel.stat().events, 0);
    scene.fill();
    // Pages that were given back take new events although nobody freed anything.
    assert.equal(scene.channel.admission(), "open");
    for (let count = 0; count < 50; count++) assert.equal(scene.put(), undefined);
    assert.equal(scene.drain().records, 500);
    scene.unfill();
    for (let count = 0; count < 80 && scene.reserveBytes() < 32 * MiB; count++) assert.equal(scene.put(200), undefined);
    assert.equal(scene.reserveBytes(), 32 * MiB);
    scene.end();
  },

  "filled-by-us": (dir) => {
    const scene = new Scene(dir, "block", 1024 * MiB);
    let refused: string | undefined;
    for (let count = 0; refused === undefined; count++) {
      assert(count < 2_000, "the disk is never full");
      refused = scene.put();
    }
    assert.equal(refused, "EDGE_CHANNEL_FULL");
    const put = scene.channel.nextSeq(scene.lane);
    assert.equal(scene.put(), "EDGE_CHANNEL_FULL");
    const first = scene.drain(60).records;
    assert.equal(scene.put(), undefined);
    assert.equal(first + scene.drain().records, put + 10);
    scene.end();
  },

  /** Part of the next: the disk is full to its last byte when the process dies. */
  "fill-and-die": (dir) => {
    const scene = new Scene(dir, "block", 64 * MiB);
    for (let count = 0; count < 100; count++) assert.equal(scene.put(), undefined);
    scene.fill();
    for (let bytes = 64 * 1024; bytes > 0; bytes >>= 1) scene.fill(bytes);
    process.kill(process.pid, "SIGKILL");
  },

  "killed-on-full": (dir) => {
    const script = [import.meta.path, "fill-and-die", dir];
    const died = spawnSync(process.execPath, script, { stdio: ["ignore", "inherit", "inherit"] });
    assert.equal(died.signal, "SIGKILL");
    const scene = new Scene(dir, "block", 64 * MiB);
    assert.equal(scene.reserveBytes(), 0);
    assert.equal(scene.put(), "EDGE_CHANNEL_FULL");
    assert.equal(scene.drain().records, scene.channel.nextSeq(scene.lane));
    scene.store.close();
    // Closed in order, the log's index is made anew: that takes room as well.
    rmSync(join(dir, "hog"));
    new Scene(dir, "block", 64 * MiB).store.close();
    for (let bytes = 64 * 1024; bytes > 0; bytes >>= 1) scene.fill(bytes);
    new Scene(dir, "block", 64 * MiB).store.close();
    // Without a reserve to give, it says what is wrong.
    for (let bytes = 64 * 1024; bytes > 0; bytes >>= 1) scene.fill(bytes);
    assert.throws(() => new Scene(dir, "block", 64 * MiB), { code: "EDGE_CHANNEL_FULL" });
    writeSync(1, "held\n");
  },

  "drops-oldest": (dir) => {
    const scene = new Scene(dir, "drop_oldest", 1024 * MiB);
    scene.reader.next();
    for (let count = 0; count < 200; count++) assert.equal(scene.put(), undefined);
    scene.fill();
    for (let count = 0; count < 100; count++) assert.equal(scene.put(), undefined, `put ${count} on a full disk`);
    scene.expectBooks();
    const put = scene.channel.nextSeq(scene.lane);
    const came = scene.drain();
    assert.equal(came.records + came.shed, put);
    assert(came.shed > 0);
    scene.end();
  },
};

if (import.meta.main) scenarios[String(process.argv[2])]?.(String(process.argv[3]));
