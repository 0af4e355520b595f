/**
 * What the channel file costs: `bun edge/channels/sqlite/channel.bench.ts [--big] [DIR]`. DIR on the disk to be measured
 * (the temp directory when not given); `--big` builds a backlog of 5 GB, drops the page cache where it may, and opens it.
 *
 * Written bytes are counted twice: `wchar` is what SQLite wrote, `device` what reached the block device that DIR is on,
 * the file system's journal included; nothing else should write meanwhile.
 */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { seededRandom, systemRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import type { ChannelStore } from "../../core/channel-store.ts";
import type { Lane } from "../../core/lane.ts";
import { limits } from "../../core/limits.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { makeBatch, plainChoice } from "../../testing/contracts/batches.ts";
import { openChannelStore } from "./open.ts";

const MiB = 1024 * 1024;
const spec = { channel: "main", stream: "driving", group: "driving", part: undefined } as const;
const nothing = { batches: [], positions: [], counters: [] };

interface Io {
  readonly wchar: number;
  readonly device: number;
}

function io(dir: string): Io {
  const wchar = Number(/wchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? 0);
  const { dev } = statSync(dir, { bigint: true });
  // Linux's dev_t: 12 bits of major, 20 of minor, interleaved.
  const major = Number((dev >> 8n) & 0xfffn);
  const minor = Number((dev & 0xffn) | ((dev >> 12n) & 0xfff00n));
  const line = readFileSync("/proc/diskstats", "utf8")
    .split("\n")
    .map((text) => text.trim().split(/\s+/))
    .find(([a, b]) => Number(a) === major && Number(b) === minor);
  return { wchar, device: Number(line?.[9] ?? 0) * 512 };
}

function rssMiB(): { now: number; peak: number } {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { now: field("VmRSS"), peak: field("VmHWM") };
}

function open(dir: string, keptBytes: number = limits.keptBytes): ChannelStore {
  return openChannelStore({
    dataDir: dir,
    agent: "bench",
    channels: new Map([["main", plainChoice({ bytesMax: 64 * 1024 * MiB, keptBytes })]]),
    clock: systemClock,
    random: systemRandom,
    report: silent,
    metrics: new Metrics(),
  });
}

/** Copies of one batch under new numbers: building them is not what is measured. */
class Supply {
  private readonly models: PutBatch[];

  constructor(
    private readonly lane: Lane,
    size: number,
    readonly records = 100,
  ) {
    this.models = Array.from({ length: 8 }, (_, at) => makeBatch(lane, 0, records, size, seededRandom(at + 1)));
  }

  batch(first: number): PutBatch {
    const model = this.models[(first / this.records) % this.models.length];
    if (model === undefined) throw new Error("no model");
    return { ...model, lane: this.lane, first };
  }
}

function report(name: string, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(
    ([key, value]) => `${key} ${typeof value === "number" ? Number(value.toPrecision(3)) : value}`,
  );
  process.stdout.write(`${name.padEnd(44)} ${text.join("  ")}\n`);
}

interface Phase {
  readonly name: string;
  readonly batchBytes: number;
  readonly records?: number;
  readonly batchesACommit: number;
  readonly commits: number;
  readonly deliver: boolean;
  /** Delivered batches kept; as shipped when not given. */
  readonly keptBytes?: number;
}

/** Puts, and delivers what was put unless a backlog is to grow; a third of the work first, unmeasured, to warm up. */
function measurePuts(dir: string, phase: Phase): void {
  const store = open(dir, phase.keptBytes);
  const channel = store.channel("main");
  const lane = channel.lanes()[0] ?? channel.createLane(spec);
  const reader = channel.reader(lane);
  const supply = new Supply(lane, phase.batchBytes, phase.records);
  let bytes = 0;
  let slowestMs = 0;
  const round = (at: number) => {
    const first = channel.nextSeq(lane);
    const batches = Array.from({ length: phase.batchesACommit }, (_, index) =>
      supply.batch(first + index * supply.records),
    );
    for (const batch of batches) bytes += batch.bytes.length;
    const commitMs = performance.now();
    store.commit({
      batches,
      positions: [
        { stream: "driving", key: "/var/log/driving.log", value: `{"inode":"1234567","offset":${at * 1000}}` },
      ],
      counters: [{ stream: "driving", name: "read", amount: 100 }],
    });
    slowestMs = Math.max(slowestMs, performance.now() - commitMs);
    for (let batch = phase.deliver ? reader.next() : undefined; batch !== undefined; batch = reader.next()) {
      reader.acknowledge(batch, "offset");
    }
  };
  for (let at = 0; at < phase.commits / 3; at++) round(at);
  bytes = 0;
  slowestMs = 0;
  const [before, startMs, cpu] = [io(dir), performance.now(), process.cpuUsage()];
  for (let at = 0; at < phase.commits; at++) round(at);
  const seconds = (performance.now() - startMs) / 1000;
  const used = process.cpuUsage(cpu);
  const after = io(dir);
  report(phase.name, {
    "MB/s": bytes / seconds / 1e6,
    "commits/s": phase.commits / seconds,
    "slowest commit ms": slowestMs,
    "CPU ms/commit": (used.user + used.system) / 1000 / phase.commits,
    "bytes/commit wchar": (after.wchar - before.wchar) / phase.commits,
    device: (after.device - before.device) / phase.commits,
    "written/byte wchar": (after.wchar - before.wchar) / bytes,
    "device/byte": (after.device - before.device) / bytes,
  });
  store.close();
}

function measureDrain(dir: string, name: string): void {
  const openMs = performance.now();
  const store = open(dir);
  const channel = store.channel("main");
  const [lane] = channel.lanes();
  if (lane === undefined) throw new Error("nothing is stored");
  const reader = channel.reader(lane);
  const first = reader.next();
  const readyMs = performance.now() - openMs;
  const { events } = channel.stat();
  const rssAtStart = rssMiB().now;
  const [before, startMs, cpu] = [io(dir), performance.now(), process.cpuUsage()];
  let bytes = 0;
  for (let batch = first; batch !== undefined; batch = reader.next()) {
    bytes += batch.bytes.length;
    reader.acknowledge(batch, "offset");
    if (store.unmarkedBytes > 4 * MiB) store.commit(nothing);
  }
  store.commit(nothing);
  const seconds = (performance.now() - startMs) / 1000;
  const used = process.cpuUsage(cpu);
  const after = io(dir);
  report(name, {
    "open to first batch ms": readyMs,
    MB: bytes / 1e6,
    "MB/s": bytes / seconds / 1e6,
    "CPU s/M records of 24 B": ((used.user + used.system) / 1e6 / (bytes / 24)) * 1e6,
    "written/byte wchar": (after.wchar - before.wchar) / bytes,
    "device/byte": (after.device - before.device) / bytes,
    "RSS MiB at start": rssAtStart,
    peak: rssMiB().peak,
    records: events,
  });
  store.close();
}

function buildBacklog(dir: string, bytesWanted: number): void {
  const store = open(dir);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const supply = new Supply(lane, 250_000);
  for (let bytes = 0; bytes < bytesWanted; ) {
    const first = channel.nextSeq(lane);
    const batches = Array.from({ length: 16 }, (_, at) => supply.batch(first + at * 100));
    store.commit({ ...nothing, batches });
    for (const batch of batches) bytes += batch.bytes.length;
  }
  // As kill -9 leaves it: nothing is marked, nothing is copied out of the log.
  process.kill(process.pid, "SIGKILL");
}

const big = process.argv.includes("--big");
const role = process.argv.find((word) => word.startsWith("--role="))?.slice(7);
const dirWord = process.argv.slice(2).find((word) => !word.startsWith("--"));

if (role === "backlog") buildBacklog(String(dirWord), Number(process.argv.at(-1)?.slice("--bytes=".length)));
else if (role === "drain") measureDrain(String(dirWord), "drain");
else {
  using dir = tempDir("tailgate-bench-");
  const at = (name: string) => `${dirWord ?? dir.path}/${name}`;
  const runs: readonly Phase[] = [
    {
      name: "put and deliver, 16 x 100 KB a commit",
      batchBytes: 86_000,
      batchesACommit: 16,
      commits: 200,
      deliver: true,
    },
    { name: "put and deliver, 100 KB a commit", batchBytes: 86_000, batchesACommit: 1, commits: 900, deliver: true },
    {
      name: "backlog grows, 16 x 100 KB a commit",
      batchBytes: 86_000,
      batchesACommit: 16,
      commits: 200,
      deliver: false,
    },
    {
      name: "100 lines/s, linger 1 s: 2.4 KB a commit",
      batchBytes: 100,
      records: 42,
      batchesACommit: 1,
      commits: 3_000,
      deliver: true,
    },
    { name: "12 KB a commit", batchBytes: 6_000, batchesACommit: 1, commits: 2_000, deliver: true },
    // 10,000 lines/s, linger 1 s.
    ...[4, 3, 2, 1].map((kept) => ({
      name: `210 KB a commit, ${kept} MiB kept`,
      batchBytes: 200_000,
      batchesACommit: 1,
      commits: 900,
      deliver: true,
      keptBytes: kept * MiB,
    })),
  ];
  for (const phase of runs) {
    const folder = at(phase.name.replaceAll(/\W+/g, "-"));
    measurePuts(folder, phase);
  }
  const backlog = at("backlog");
  const bytes = (big ? 5_000 : 300) * 1e6;
  const self = [process.execPath, import.meta.path];
  Bun.spawnSync([...self, "--role=backlog", backlog, `--bytes=${bytes}`]);
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "1");
  } catch {
    process.stdout.write("(page cache not dropped: that takes root)\n");
  }
  const { stdout, stderr } = Bun.spawnSync([...self, "--role=drain", backlog]);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
}
