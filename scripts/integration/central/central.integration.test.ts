/** Central as it is deployed, with a real broker: killed, frozen, starved, and lied to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, renameSync } from "node:fs";
import Database from "better-sqlite3";
import { seededRandom } from "../../../shared/random/random.ts";
import { soonMs } from "../../../shared/testing/soon.ts";
import { until } from "../../../shared/testing/until.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { topicCount } from "../../drivers/kafka/topic.ts";
import { centralGround, clean } from "./ground.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

const ground = (partitions?: number) => centralGround(broker, partitions);

describe("central with a real broker", () => {
  test("stores each record once, in order, and balances its books", async () => {
    await using on = await ground();
    await on.producer.send(20_000);
    await using central = await on.start();
    expect(await central.stored(20_000)).toMatchObject({ stored: 20_000, ...clean });
    const body = await central.get("/api/v1/events?vehicle=car-4&limit=10000");
    const events = Array.isArray(body.events) ? body.events : [];
    expect(events.length).toBe(2_000);
    const seqs = events.filter((event) => event.identity.lane === 0).map((event) => event.identity.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    await until(
      "lag to be zero",
      () => central.status(),
      ({ lag }) => lag === 0,
    );
    await central.child.stop();
    expect(storeSums(on.store)).toEqual({ events: 20_000, counted: 20_000, received: 20_000 });
  }, 60_000);

  test("killed with -9 and started again: the first row within 10 s, none lost, none twice", async () => {
    await using on = await ground();
    await on.producer.send(5_000);
    await using first = await on.start();
    await first.stored(5_000);
    await first.child.kill();
    const sent = await on.producer.send(5_000);
    const began = performance.now();
    await using second = await on.start();
    await second.stored(5_001);
    expect(performance.now() - began).toBeLessThan(soonMs(10_000));
    expect(await topicCount(broker.internalAddress, on.topic)).toBe(sent); // else what repeats is the topic's
    expect(await second.stored(sent)).toMatchObject({ stored: sent, ...clean });
    await second.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
  }, 60_000);

  test("killed with -9 at random moments under load: none lost, none twice", async () => {
    await using on = await ground();
    const random = seededRandom(7);
    let sent = 0;
    const session = { TAILGATE_SESSION_TIMEOUT: "6s" };
    for (let round = 0; round < 4; round++) {
      const pushing = on.producer.send(20_000);
      await using central = await on.start(session);
      await until("central to be up", () => central.get("/livez").catch(() => true));
      // Anywhere between joining the group and having stored it all.
      await Bun.sleep(random.next() * 8_000);
      await central.child.kill();
      sent = await pushing;
    }
    expect(await topicCount(broker.internalAddress, on.topic)).toBe(sent);
    await using last = await on.start();
    expect(await last.stored(sent, 60_000)).toMatchObject({ stored: sent, ...clean });
    await last.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent, counted: sent, received: sent });
  }, 120_000);

  test("SIGTERM ends it with 0 and leaves the group: the next one has the partitions at once", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using first = await on.start();
    await first.stored(1_000);
    const exit = await first.child.stop();
    expect(exit).toMatchObject({ code: 0 });
    await on.producer.send(1_000);
    const began = performance.now();
    await using second = await on.start();
    await second.stored(2_000);
    expect(performance.now() - began).toBeLessThan(soonMs(4_000));
  }, 60_000);

  test("the store is locked for a while: it says so, keeps its membership, and goes on within a second", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using central = await on.start();
    await central.stored(1_000);
    const other = new Database(on.store);
    other.exec("begin immediate");
    await on.producer.send(1_000);
    await until(
      "the store to be away",
      () => central.status(),
      ({ storeAvailable }) => !storeAvailable,
    );
    // Longer than the group's session.
    await Bun.sleep(8_000);
    expect((await fetch(`${central.url}/readyz`)).status).toBe(503);
    other.exec("rollback");
    other.close();
    const began = performance.now();
    await central.stored(1_001);
    expect(performance.now() - began).toBeLessThan(soonMs(1_000));
    expect(await central.stored(2_000)).toMatchObject({ stored: 2_000, ...clean });
    expect(Number((await central.get("/api/v1/lag")).rebalances)).toBe(1);
  }, 60_000);

  test("the store of an idle central is moved away: not ready with the reason, nothing is made there, and it goes on when it is back", async () => {
    await using on = await ground();
    await on.producer.send(100);
    await using central = await on.start();
    await central.stored(100);
    const ready = async () => {
      const answer = await fetch(`${central.url}/readyz`);
      return `${answer.status} ${await answer.text()}`;
    };
    await until("to be ready", ready, (said) => said.startsWith("200"));
    const ends = ["", "-wal", "-shm"];
    for (const end of ends) renameSync(`${on.store}${end}`, `${on.store}.aside${end}`);
    await until("to say why it is not", ready, (said) => /^503 .*its file is gone; nothing is made there/.test(said));
    await on.producer.send(100);
    // Long enough for whatever asks every second or two.
    await Bun.sleep(5_000);
    expect(existsSync(on.store)).toBe(false);
    expect(await ready()).toStartWith("503");
    for (const end of ends) renameSync(`${on.store}.aside${end}`, `${on.store}${end}`);
    expect(await central.stored(200)).toMatchObject({ stored: 200, ...clean });
    await until("to be ready again", ready, (said) => said.startsWith("200"));
    expect(central.log.split("store_gone")).toHaveLength(2);
  }, 60_000);

  test("an idle store is locked: it is not ready within seconds, although nothing comes, and ready again after", async () => {
    await using on = await ground();
    await on.producer.send(100);
    await using central = await on.start();
    await central.stored(100);
    const ready = async () => (await fetch(`${central.url}/readyz`)).status;
    await until("to be ready", ready, (status) => status === 200);
    const other = new Database(on.store);
    other.exec("begin immediate");
    await until("to be not ready", ready, (status) => status === 503, { withinMs: 10_000 });
    other.exec("rollback");
    other.close();
    await until("to be ready again", ready, (status) => status === 200, { withinMs: 10_000 });
  }, 60_000);

  test("two instances, one frozen past its session and continued: nothing twice, nothing lost", async () => {
    await using on = await ground();
    await using first = await on.start();
    await using second = await on.start();
    await on.producer.send(2_000);
    await second.stored(2_000);
    first.child.freeze();
    const pushing = on.producer.send(30_000);
    // The frozen one may hold the file's lock in the middle of a transaction: the other waits, and loses nothing.
    await Bun.sleep(9_000);
    first.child.thaw();
    const sent = await pushing;
    expect(await second.stored(sent)).toMatchObject({ stored: sent, ...clean });
    await on.producer.send(4_000);
    expect(await second.stored(sent + 4_000)).toMatchObject({ stored: sent + 4_000, ...clean });
    await first.child.stop();
    await second.child.stop();
    expect(storeSums(on.store)).toEqual({ events: sent + 4_000, counted: sent + 4_000, received: sent + 4_000 });
  }, 90_000);

  test("the broker is killed with -9 and comes back: it goes on by itself", async () => {
    await using on = await ground();
    await on.producer.send(1_000);
    await using central = await on.start();
    await central.stored(1_000);
    await broker.restart("kill");
    await on.producer.send(1_000);
    await until(
      "lag to be zero",
      () => central.status(),
      ({ stored, lag }) => stored === 2_000 && lag === 0,
    );
    expect(await topicCount(broker.internalAddress, on.topic)).toBe(2_000);
    expect(await central.status()).toMatchObject({ stored: 2_000, ...clean });
  }, 90_000);

  test.each([
    ["of a newer version", "pragma user_version = 99", "schema 99"],
    ["of another program", "create table notes (text)", "another program's database"],
  ])(
    "a store %s ends the start with 2, before it says that it is up, and is left as it is",
    async (_, sql, words) => {
      await using on = await ground();
      const database = new Database(on.store);
      database.exec(sql);
      await using central = await on.start();
      expect((await central.child.exited).code).toBe(2);
      expect(central.log).toContain(words);
      expect(central.log).not.toContain("Central is up");
      expect(
        database.prepare("select count(*) from sqlite_schema where name in ('source', 'lane')").pluck().get(),
      ).toBe(0);
      database.close();
    },
    30_000,
  );

  test("refuses a file that is no store without losing anything, and goes on with a new one", async () => {
    await using on = await ground();
    await on.producer.send(100);
    const letter = `this is no database, it is a letter to whoever comes after ${"x".repeat(10_000)}`;
    await Bun.write(on.store, letter);
    {
      await using central = await on.start();
      expect((await central.child.exited).code).toBe(2);
      expect(central.child.tail()).toContain("it is no database");
    }
    expect(await Bun.file(on.store).text()).toBe(letter);
    await Bun.file(on.store).delete();
    await using central = await on.start();
    expect(await central.stored(100)).toMatchObject({ stored: 100, ...clean });
  }, 60_000);
});
