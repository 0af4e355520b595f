/** Central started while its store is not there: the disk is not mounted, or the file was deleted. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { type Admin, Kafka, logLevel } from "kafkajs";
import { quietTimers } from "../../../shared/kafka/connection/quiet-timers.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Central } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { centralGround, clean } from "./ground.ts";

setDefaultTimeout(90_000);

let broker: Broker;
let admin: Admin;

beforeAll(async () => {
  quietTimers();
  broker = await startBroker();
  admin = new Kafka({ brokers: [broker.internalAddress], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
}, 120_000);

afterAll(async () => {
  await admin.disconnect();
  await broker[Symbol.asyncDispose]();
});

const ends = ["", "-wal", "-shm"];

async function ready(central: Central): Promise<string> {
  const answer = await fetch(`${central.url}/readyz`);
  return `${answer.status} ${await answer.text()}`;
}

async function committed(group: string): Promise<readonly number[]> {
  const [told] = await admin.fetchOffsets({ groupId: group, topics: [group] });
  return (told?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset));
}

const isReady = (said: string) => said.startsWith("200");

test("an empty store is not taken for the one that was filled: central says so, over restarts, until it holds as much", async () => {
  await using on = await centralGround(broker, 2);
  await on.producer.send(100);
  {
    await using first = await on.start();
    await first.stored(100);
    await until("to be ready", () => ready(first), isReady);
    await first.child.stop();
  }
  expect(await committed(on.topic)).toEqual([50, 50]);
  // The store that was unmounted has stored more since the topic was restored from a copy.
  await admin.setOffsets({ groupId: on.topic, topic: on.topic, partitions: [{ partition: 0, offset: "60" }] });
  mkdirSync(on.dir.file("mount"));
  for (const end of ends) renameIfThere(`${on.store}${end}`, on.dir.file(`mount/db${end}`));
  const why = `of 1 partitions the group has stored more than this store holds: ${on.topic}/0 (50 of 60). Is its disk mounted?`;
  for (let starts = 0; starts < 2; starts++) {
    await using again = await on.start();
    expect(await again.stored(100)).toMatchObject({ stored: 100, ...clean });
    await until(
      "to say why it is not ready",
      () => ready(again),
      (said) => said.startsWith("503") && said.includes(why),
    );
    expect(await again.get("/api/v1/status")).toMatchObject({ problems: [why] });
    const metrics = await (await fetch(`${again.url}/metrics`)).text();
    expect(metrics).toMatch(/^tailgate_central_partitions_behind_group 1$/m);
    await again.child.stop();
    expect(again.log.split("store_behind_group")).toHaveLength(2);
    expect(await committed(on.topic)).toEqual([60, 50]);
  }
  await using last = await on.start();
  await until(
    "to say that it is not ready",
    () => ready(last),
    (said) => said.includes("(50 of 60)"),
  );
  await on.producer.send(40);
  await last.stored(140);
  await until("to be ready once it holds as much", () => ready(last), isReady);
  await last.child.stop();
  expect(await committed(on.topic)).toEqual([70, 70]);
  // The one that was away is put back: it goes on where it was, and says nothing but that it had to.
  for (const end of ends) rmSync(`${on.store}${end}`, { force: true });
  for (const end of ends) renameIfThere(on.dir.file(`mount/db${end}`), `${on.store}${end}`);
  await using back = await on.start();
  expect(await back.stored(140)).toMatchObject({ stored: 140, ...clean });
  await until("to be ready", () => ready(back), isReady);
});

test("what Kafka has deleted since is a gap of the empty store, and another group begins without a question", async () => {
  await using on = await centralGround(broker, 1);
  for (const count of [40, 60]) await on.producer.send(count); // A batch is handed out whole.
  {
    await using first = await on.start();
    await first.stored(100);
    await first.child.stop();
  }
  await admin.fetchTopicOffsets(on.topic); // kafkajs knows no leaders of a topic that it never asked for.
  await admin.deleteTopicRecords({ topic: on.topic, partitions: [{ partition: 0, offset: "40" }] });
  for (const end of ends) rmSync(`${on.store}${end}`, { force: true });
  {
    await using again = await on.start();
    expect(await again.stored(60)).toMatchObject({ stored: 60, gaps: 1 });
    await until("to be ready", () => ready(again), isReady);
    const { gaps } = await again.get<{ gaps: readonly object[] }>("/api/v1/gaps");
    expect(gaps).toMatchObject([{ kind: "retention", firstOffset: 0, lastOffset: 39 }]);
    expect(again.log).toContain("store_behind_group");
    await again.child.stop();
  }
  for (const end of ends) rmSync(`${on.store}${end}`, { force: true });
  await using other = await on.start({ TAILGATE_GROUP: `${on.topic}-2` });
  expect(await other.stored(60)).toMatchObject({ stored: 60, gaps: 0 });
  await until("to be ready", () => ready(other), isReady);
  expect(other.log).not.toContain("store_behind_group");
});

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // A clean stop leaves the file alone.
  }
}
