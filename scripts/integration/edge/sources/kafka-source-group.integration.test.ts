/** Two agents of one group: partitions that move while both live bring nothing twice; a kill loses nothing, and repeats little. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, topicCount, topicRecords } from "../../../drivers/kafka/topic.ts";
import { Copier, produce, series } from "./kafka-source-agent.ts";

const dir = tempDir();
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const partitions = 4;

async function agent(name: string, commitInterval: string): Promise<Copier> {
  const source = { topics: ["shared"], groupId: "shared", commitInterval };
  return await Copier.start({ folder: dir.path, name, brokers: [broker.address], source, topic: "shared-copy" });
}

/** Writes to all partitions until it is stopped; what it wrote. */
function writing(prefix: string) {
  const written: string[] = [];
  let isOver = false;
  const done = (async () => {
    for (let round = 0; !isOver; round++) {
      for (let partition = 0; partition < partitions; partition++) {
        const some = series(`${prefix} ${round} ${partition}`, 20);
        await produce(broker.address, "shared", some, partition);
        written.push(...some);
      }
    }
  })();
  return {
    async end(): Promise<readonly string[]> {
      isOver = true;
      await done;
      return written;
    },
  };
}

async function copied(values: readonly string[]): Promise<readonly string[]> {
  const count = () => topicCount(broker.internalAddress, "shared-copy");
  await until("all to be copied", count, (seen) => seen >= values.length, { withinMs: 60_000, everyMs: 300 });
  // Repeats would come late.
  await Bun.sleep(2_000);
  return (await topicRecords(broker.internalAddress, "shared-copy")).map(({ value }) => String(value));
}

const owned = async (copier: Copier) => (await copier.source()).partitions.length;

test("an agent that joins gets partitions of one that lives: nothing comes twice, however rarely the group is told", async () => {
  for (const topic of ["shared", "shared-copy"]) {
    await createTopic(broker.internalAddress, topic, { partitions: topic === "shared" ? partitions : 1 });
  }
  const values: string[] = [];
  {
    await using first = await agent("first", "10m");
    const within = { withinMs: 60_000, everyMs: 50 };
    await until(
      "the first to have all",
      () => owned(first),
      (count) => count === partitions,
      within,
    );
    const writer = writing("moved");
    for (let round = 0; round < 3; round++) {
      await using second = await agent(`second-${round}`, "10m");
      await until(
        "both to share",
        async () => [await owned(first), await owned(second)].join(),
        (n) => n === "2,2",
        within,
      );
      await Bun.sleep(1_000);
      await second.stop();
      await until(
        "the first to have all",
        () => owned(first),
        (count) => count === partitions,
        within,
      );
    }
    values.push(...(await writer.end()));
    const got = await copied(values);
    console.log(`partitions moved six times: ${values.length} records, repeated ${got.length - new Set(got).size}`);
    expect(got.toSorted()).toEqual(values.toSorted());
    await first.stop();
  }

  await using killed = await agent("killed", "200ms");
  await using other = await agent("other", "200ms");
  const within = { withinMs: 60_000, everyMs: 50 };
  await until(
    "both to share",
    async () => [await owned(killed), await owned(other)].join(),
    (n) => n === "2,2",
    within,
  );
  const writer = writing("killed");
  await Bun.sleep(2_000);
  await killed.kill();
  await until(
    "the other to have all",
    () => owned(other),
    (count) => count === partitions,
    within,
  );
  await Bun.sleep(1_000);
  values.push(...(await writer.end()));
  const got = await copied(values);
  const repeated = got.length - new Set(got).size;
  console.log(`one of two killed: ${values.length} records, repeated ${repeated}`);
  // What one agent's two partitions take in the 200 ms until the group is told, and some room.
  expect(repeated).toBeLessThan(1_000);
  // The killed agent's own channel holds what it had not sent: it brings that when it is back.
  await killed.restart();
  const all = async () =>
    new Set((await topicRecords(broker.internalAddress, "shared-copy")).map(({ value }) => String(value)));
  const seen = await until("all to be there", all, (set) => set.size >= values.length, {
    withinMs: 60_000,
    everyMs: 500,
  });
  expect([...seen].toSorted()).toEqual(values.toSorted());
}, 300_000);
