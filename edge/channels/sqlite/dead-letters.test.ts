import { expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { makeBatch, spec } from "../../testing/contracts/batches.ts";
import { nothing, open } from "./testing/open.ts";

test("dead letters past 64 MiB: the oldest go, and that is said and counted", () => {
  using dir = tempDir();
  const said: string[] = [];
  const store = open(dir, { report: ({ name }) => void said.push(name) });
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const large = Buffer.alloc(8 * 1024 * 1024, 7);
  for (let first = 0; first < 10; first++) {
    store.commit({ ...nothing, batches: [{ ...makeBatch(lane, first, 1), bytes: Buffer.from(large) }] });
    const reader = channel.reader(lane);
    const batch = reader.next();
    if (batch === undefined) throw new Error("nothing is held");
    reader.lease(batch);
    reader.bury(batch, "KAFKA_RECORD_REFUSED: in a test");
    const marker = reader.next();
    if (marker !== undefined) reader.acknowledge(marker, undefined);
    if (first < 7) expect(said).not.toContain("channel_dead_dropped");
  }
  expect(said).toContain("channel_dead_dropped");
  expect(channel.stat().lanes[0]?.counters.dead_dropped).toBeGreaterThan(0);
  store.close();
}, 60_000);
