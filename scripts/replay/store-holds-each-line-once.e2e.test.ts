import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { soonMs } from "../../shared/testing/soon.ts";
import { prepareCentral } from "../drivers/central/central.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { fillDisk } from "./world/filler.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { smallDisk } from "./world/small-disk.ts";
import { proven, startWorld } from "./world/world.ts";

/** Short sessions: a killed member's partitions are given on after this. */
const sessionTimeout = "2s";
const broker = sharedBroker({ properties: { "group.min.session.timeout.ms": 1_000 } });
const MiB = 1 << 20;

test("central killed at random moments while it stores: every line once", async () => {
  const random = testRandom("store-holds-each-line-once");
  await using world = await startWorld({
    broker: broker(),
    topic: { partitions: 4 },
    changes: { sink: { partition: "key" } },
    central: { sessionTimeout },
  });
  const { edge, log, central } = world;
  await edge.start();
  {
    await using _ = new SteadyWriter(log, 5_000);
    for (let kill = 0; kill < 5; kill++) {
      if (!central.running) await central.start();
      const before = await central.done().catch(() => 0);
      await central.wait("central to store", async () => (await central.done()) > before);
      // From the first transaction after a start to the middle of steady work.
      await pause(random.between(0, 400));
      await central.kill();
    }
  }
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("the store locked by another process: central waits, keeps its membership, and goes on at once", async () => {
  await using world = await startWorld({ broker: broker(), central: { sessionTimeout } });
  const { edge, log, central } = world;
  await edge.start();
  log.write(2_000);
  await edge.hasSettled(log.written);
  await central.hasDone(log.written);
  {
    using lock = new Database(world.file("store.db"));
    lock.run("begin immediate");
    log.write(20_000);
    await edge.hasSettled(log.written);
    await central.wait("the store to be away", async () => !(await central.status()).storeAvailable);
    // Longer than the session: who does not say that he lives loses his partitions.
    await pause(3_000);
    expect(await central.done()).toBe(2_000);
    lock.run("rollback");
  }
  const freeMs = performance.now();
  await central.wait("the first row", async () => (await central.done()) > 2_000);
  expect(performance.now() - freeMs).toBeLessThan(soonMs(2_000));
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("the disk of the store full: central waits, and goes on by itself when there is room again", async () => {
  await using disk = await smallDisk(64 * MiB);
  await using world = await startWorld({
    broker: broker(),
    central: { sessionTimeout, store: `${disk.path}/store.db`, wrap: disk.enter },
  });
  const { edge, log, central } = world;
  await edge.start();
  log.write(2_000);
  await edge.hasSettled(log.written);
  await central.hasDone(log.written);
  {
    using _ = fillDisk(disk.outside("filler"));
    log.write(50_000);
    await edge.hasSettled(log.written);
    await central.wait("the store to be away", async () => !(await central.status()).storeAvailable);
    await pause(3_000);
  }
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);

test("two centrals in one group, one frozen past its session and continued: what the zombie does counts for nothing", async () => {
  const random = testRandom("store-holds-each-line-once");
  await using world = await startWorld({
    broker: broker(),
    topic: { partitions: 4 },
    changes: { sink: { partition: "key" } },
    central: { sessionTimeout },
  });
  const { edge, log, central: first } = world;
  await using second = await prepareCentral(world.centralOptions);
  await second.start();
  await edge.start();
  let takenOver = 0;
  {
    await using _ = new SteadyWriter(log, 4_000);
    for (const [frozen, other] of [
      [first, second],
      [second, first],
      [first, second],
    ] as const) {
      const before = await other.done().catch(() => 0);
      await other.wait("both to store", async () => (await other.done()) > before + 2_000);
      await pause(random.between(0, 300));
      frozen.freeze();
      // All four partitions are the other's when it has stored more than was written since: the frozen one holds none.
      const then = log.written;
      const took = async () => (await other.done()) > then + 8_000;
      // Frozen inside a transaction it holds the file's lock, and nobody can store: that is what the lock is for.
      takenOver += await other.wait("the other to take over", took, 12_000).then(
        () => 1,
        () => 0,
      );
      frozen.thaw();
    }
  }
  expect(takenOver).toBeGreaterThan(0);
  await edge.hasSettled(log.written);
  expect(await world.proof()).toMatchObject(proven);
}, 300_000);
