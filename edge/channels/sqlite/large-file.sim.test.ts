import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { VirtualClock } from "../../../shared/clock/clock.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import type { Fields, Signal } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, makeBatch, spec } from "../../testing/contracts/batches.ts";
import { Sqlite } from "./driver.ts";
import { nothing, open } from "./testing/open.ts";

const MiB = 1024 * 1024;

test("a reader that stays open lets the log grow, and when it is gone the log is cut", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const said: string[] = [];
  const store = open(dir, { clock, report: (signal: Signal, _fields?: Fields) => void said.push(signal.name) });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const peek = new Sqlite(dir.file("channel.db"), { readonly: true });
  const rows = peek.prepare("SELECT id FROM body").iterate();
  rows.next();
  const flow = () => {
    for (let rounds = 0; rounds < 100; rounds++) {
      store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 1, 900_000)] });
      drain(channel.reader(lane));
      clock.advance(1_000);
    }
  };
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeGreaterThan(80 * MiB);
  expect(said).toContain("channel_checkpoint_held");
  rows.return?.();
  peek.close();
  flow();
  expect(statSync(dir.file("channel.db-wal")).size).toBeLessThan(20 * MiB);
  store.close();
}, 60_000);

test("the file is made small when it is large and nearly empty, and goes on as before", () => {
  using dir = tempDir();
  const clock = new VirtualClock();
  const store = open(dir, { clock }, { bytesMax: 1024 * MiB });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const big = makeBatch(lane, 0, 1, 900_000).bytes.length;
  for (let put = 0; put < 300 * MiB; put += 4 * big) {
    const next = channel.nextSeq(lane);
    store.commit({
      ...nothing,
      batches: [0, 1, 2, 3].map((at) => makeBatch(lane, next + at, 1, 900_000, systemRandom)),
    });
  }
  expect(statSync(dir.file("channel.db")).size).toBeGreaterThan(256 * MiB);
  store.commit({ ...nothing, batches: [makeBatch(lane, channel.nextSeq(lane), 3)] });
  const reader = channel.reader(lane);
  for (let left = channel.stat().batches - 1; left > 0; left--) {
    const batch = reader.next();
    if (batch !== undefined) reader.acknowledge(batch, undefined);
    if (store.unmarkedBytes > 4 * MiB) store.commit(nothing);
  }
  clock.advance(61_000);
  store.commit(nothing);
  store.commit(nothing);
  expect(statSync(dir.file("channel.db")).size).toBeLessThan(16 * MiB);
  expect(drain(reader).map(({ count }) => count)).toEqual([3]);
  store.commit({
    ...nothing,
    batches: [makeBatch(lane, channel.nextSeq(lane), 3), makeBatch(lane, channel.nextSeq(lane) + 3, 1, 90_000)],
  });
  store.close();
  const again = open(dir, { clock });
  expect(drain(again.channel("main").reader(lane)).map(({ count }) => count)).toEqual([3, 1]);
  again.close();
}, 60_000);
