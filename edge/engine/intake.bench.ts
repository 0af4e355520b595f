/**
 * What the path from a line in a read buffer to a sealed, compressed batch costs, without disk and network:
 *
 *     bun edge/engine/intake.bench.ts [lines]
 *
 * Prints CPU seconds per million lines of about 190 bytes for each set-up. The floor is the copy and the compression.
 */
import { systemClock } from "../../shared/clock/clock.ts";
import { partitionOfKey } from "../../shared/kafka/murmur2.ts";
import type { Compression } from "../../shared/kafka/record-batch/compression.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type Layout, plainLayout } from "../core/layout.ts";
import { Taps } from "../taps/taps.ts";
import { ArrayChannel, ArrayStore } from "../testing/fakes/array-store.ts";
import { Committer } from "./committer.ts";
import { type NamedInterceptor, StreamIntake } from "./intake.ts";
import { LaneRouter } from "./lane-router.ts";

interface Case {
  readonly name: string;
  readonly compression: Compression;
  readonly identity: boolean;
  readonly chain: readonly NamedInterceptor[];
  readonly partition: "agent" | "key";
}

const keyPattern = /"car":"(C\d+)"/;
const filterPattern = /"speed":\d+/;
const filterAndKey: readonly NamedInterceptor[] = [
  { name: "filter", interceptor: { intercept: (view) => filterPattern.test(view.text()) } },
  {
    name: "key",
    interceptor: {
      intercept: (view) => {
        view.key = keyPattern.exec(view.text())?.[1];
        return true;
      },
    },
  },
];

const cases: readonly Case[] = [
  { name: "zstd", compression: "zstd", identity: false, chain: [], partition: "agent" },
  { name: "zstd, identity", compression: "zstd", identity: true, chain: [], partition: "agent" },
  { name: "zstd, identity, filter, key", compression: "zstd", identity: true, chain: filterAndKey, partition: "agent" },
  { name: "the same on 4 lanes", compression: "zstd", identity: true, chain: filterAndKey, partition: "key" },
  { name: "none, identity", compression: "none", identity: true, chain: [], partition: "agent" },
];

const total = Number(process.argv[2] ?? 1_000_000);
const chunk = makeChunk(10_000);
const nowhere = new AbortController().signal;
for (const one of cases) {
  await run(one, Math.min(total, 100_000));
  process.stdout.write(`${one.name.padEnd(30)} ${await run(one, total)}\n`);
}

async function run({ compression, identity, chain, partition }: Case, lines: number): Promise<string> {
  const store = new ArrayStore();
  const channel = new ArrayChannel("main", store, { compression, identity, batchBytesMax: 960 * 1024 });
  const partOf = (key: string, parts: number) => partitionOfKey(Buffer.from(key), parts);
  const division = partition === "key" ? { partsDefault: 4, partOf } : undefined;
  const layout: Layout = { ...plainLayout("t"), division };
  const router = new LaneRouter({ agent: "gw", stream: "s", channel, layout, epoch: () => "e", report: silent });
  const clock = systemClock;
  const shared = { report: silent, metrics: new Metrics() };
  const committer = new Committer({ ...shared, store, channels: [], putSelfKept: () => undefined, lingerMs: 1_000 });
  const all = [0];
  const intake = new StreamIntake({
    stream: "s",
    interceptors: chain,
    selector: { select: () => all },
    targets: [{ channel, router }],
    committer,
    clock,
    positions: new Map(),
    taps: new Taps(),
    passedOn: () => Promise.resolve(true),
  });
  committer.add({
    // The batches are thrown away: this measures what comes before the disk.
    collect: (into) => {
      intake.collect(into);
      for (const batch of into.batches) bytes += batch.bytes.length;
      into.batches.length = 0;
    },
  });
  let bytes = 0;
  const before = process.cpuUsage();
  for (let done = 0; done < lines; done += 10_000) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(10, start);
      intake.append(chunk, start, end);
      start = end + 1;
    }
    await intake.ready(nowhere);
  }
  committer.commit();
  committer.close();
  const { user, system } = process.cpuUsage(before);
  const perMillion = (user + system) / lines;
  return `${perMillion.toFixed(2)} CPU s per million lines, ${(bytes / lines).toFixed(1)} B a line`;
}

function makeChunk(lines: number): Buffer {
  const rows = Array.from({ length: lines }, (_, n) =>
    JSON.stringify({
      n,
      car: `C${String(n % 100).padStart(4, "0")}`,
      time: 1_700_000_000_000 + n * 10,
      accelerator: (n * 7) % 100,
      brake: 0,
      steering: Math.round(Math.sin(n / 50) * 100),
      turnSignal: "none",
      speed: (n * 3) % 130,
      area: `R${n % 13}`,
      rpm: 800 + ((n * 13) % 4000),
      gear: n % 6,
      note: "xxxxxxxx",
    }),
  );
  return Buffer.from(`${rows.join("\n")}\n`);
}
