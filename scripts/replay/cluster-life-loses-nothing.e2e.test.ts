/** What happens to three brokers in their life, under load: every line once, and in order per car. */
import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import type { Cluster } from "../drivers/kafka/cluster.ts";
import { growTopic } from "../drivers/kafka/topic.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { sharedCluster, startClusterWorld } from "./world/cluster-world.ts";
import { pause } from "./world/pause.ts";
import { longForm, testRandom } from "./world/seed.ts";
import { proven, type World } from "./world/world.ts";

const cluster = sharedCluster();
const rounds = longForm ? 3 : 1;
const linesPerSecond = 2_000;

/** One thing that happens; the cluster is whole again after it, or becomes so by itself. */
interface Event {
  readonly what: string;
  readonly happen: (cluster: Cluster, world: World, random: ReturnType<typeof testRandom>) => Promise<void>;
}

const topicGrown: Event = {
  what: "the topic grown",
  happen: async (brokers, { topic, edge }) => {
    const count = (await brokers.partitions(topic)).length + 3;
    await growTopic(brokers.internalAddress, topic, count);
    await brokers.inSync(topic);
    // A request that fails makes the edge ask anew, long before it would by itself (5 minutes, as other clients).
    const lanes = () => edge.status().then(({ sinks }) => sinks.kafka?.lanes?.length ?? 0);
    const had = await lanes();
    // The broker that is asked may not have heard of the new partitions yet: then another failure makes it be asked again.
    const asked = async () => {
      for (const { client } of brokers.brokers) client.resetAll();
      return await lanes();
    };
    await until("lanes of the grown topic", asked, (count) => count > had, { withinMs: 60_000, everyMs: 5_000 });
  },
};

const chapters: Readonly<Record<string, readonly Event[]>> = {
  "leaders killed and frozen, brokers restarted in turn, preferred elections, replicas moved": [
    {
      what: "the leader killed with -9",
      happen: async (brokers, { topic }) => {
        const leader = await brokers.leader(topic);
        await leader?.kill();
        if (leader !== undefined) await brokers.ledByAnother(topic, leader);
        await leader?.start();
        await brokers.inSync(topic);
      },
    },
    {
      what: "the leader frozen until another one leads",
      happen: async (brokers, { topic }) => {
        const leader = await brokers.leader(topic);
        leader?.freeze();
        if (leader !== undefined) await brokers.ledByAnother(topic, leader);
        leader?.thaw();
        await brokers.inSync(topic);
      },
    },
    {
      what: "each broker restarted in turn",
      happen: async (brokers, { topic }) => {
        for (const broker of brokers.brokers) {
          await broker.stop();
          await broker.start();
          await brokers.inSync(topic);
        }
      },
    },
    { what: "preferred leaders elected", happen: (brokers, { topic }) => brokers.elect("preferred", topic) },
    {
      what: "replicas moved, and led by others",
      happen: async (brokers, { topic }) => {
        await brokers.reassign(topic, (partition) => [((partition + 1) % 3) + 1, ((partition + 2) % 3) + 1]);
        await brokers.elect("preferred", topic);
        await brokers.reassign(topic, (partition) => [
          ((partition + 2) % 3) + 1,
          (partition % 3) + 1,
          ((partition + 1) % 3) + 1,
        ]);
        await brokers.elect("preferred", topic);
      },
    },
  ],
  "two, all, the controller killed; a disk replaced": [
    {
      what: "two brokers killed with -9",
      happen: async (brokers, { topic }, random) => {
        const two = brokers.others(1 + Math.floor(random.next() * 3));
        await Promise.all(two.map((broker) => broker.kill()));
        await pause(2_000);
        await brokers.start();
        await brokers.inSync(topic);
      },
    },
    {
      what: "all brokers killed with -9",
      happen: async (brokers, { topic }) => {
        await Promise.all(brokers.brokers.map((broker) => broker.kill()));
        await brokers.start();
        await brokers.inSync(topic);
      },
    },
    {
      what: "the controller killed with -9, and a broker after it",
      happen: async (brokers, { topic }) => {
        await brokers.controller.kill();
        await brokers.broker(2).kill();
        await pause(1_000);
        await brokers.start();
        await brokers.inSync(topic);
      },
    },
    {
      what: "a broker killed, its disk replaced",
      happen: async (brokers, { topic }, random) => {
        await brokers.broker(1 + Math.floor(random.next() * 3)).replaceDisk();
        await brokers.inSync(topic);
      },
    },
  ],
  "lines between brokers, controller and clients cut, muted, slow": [
    {
      what: "a follower cut off from a leader",
      happen: async (brokers, { topic }) => {
        await brokers.broker(1).lineFrom(2).refuse();
        await pause(6_000);
        await brokers.heal();
        await brokers.inSync(topic);
      },
    },
    {
      what: "a broker that the controller does not hear",
      happen: async (brokers, { topic }) => {
        brokers.broker(3).controllerLine.blackhole();
        await pause(5_000);
        await brokers.heal();
        await brokers.inSync(topic);
      },
    },
    {
      what: "a broker cut off from all others, its clients not",
      happen: async (brokers, { topic }) => {
        brokers.isolate(2);
        await pause(6_000);
        await brokers.heal();
        await brokers.inSync(topic);
      },
    },
    {
      what: "clients cut off, muted, slowed down",
      happen: async (brokers) => {
        for (const { client } of brokers.brokers) client.resetAll();
        brokers.broker(1).client.blackhole();
        await pause(2_000);
        brokers.broker(1).client.heal();
        await brokers.broker(2).client.refuse();
        for (const { client } of brokers.brokers) client.setLink({ latencyMs: 50, jitterMs: 100 });
        await pause(3_000);
        await brokers.heal();
      },
    },
    {
      what: "everything slow",
      happen: async (brokers, { topic }) => {
        for (const line of brokers.lines) line.setLink({ latencyMs: 100, jitterMs: 100 });
        await pause(5_000);
        await brokers.heal();
        await brokers.inSync(topic);
      },
    },
  ],
  "partitions 6, 9, 12; the largest message made smaller": [
    topicGrown,
    {
      what: "max.message.bytes lowered while a backlog waits",
      happen: async (brokers, { topic, log }) => {
        for (const { client } of brokers.brokers) await client.refuse();
        log.write(20_000);
        await pause(1_000);
        await brokers.configure(topic, {
          "min.insync.replicas": "2",
          "message.timestamp.type": "LogAppendTime",
          "max.message.bytes": "4000",
        });
        await brokers.heal();
      },
    },
    topicGrown,
  ],
};

for (const [chapter, events] of Object.entries(chapters)) {
  test(`${chapter}: every line once`, async () => {
    const random = testRandom("cluster-life-loses-nothing");
    await using world = await startClusterWorld(cluster(), {
      topic: { partitions: 6 },
      changes: { sink: { partition: "key" } },
    });
    const { edge, log } = world;
    await edge.start();
    {
      await using _ = new SteadyWriter(log, linesPerSecond);
      for (const { what, happen } of repeated(events, rounds)) {
        const before = (await edge.book()).sent;
        await edge.wait(
          `lines to be sent before: ${what}`,
          ({ books }) => (books[0]?.sent ?? 0) > before + 1_000,
          60_000,
        );
        await pause(random.between(0, 300));
        await happen(cluster(), world, random);
      }
    }
    await edge.hasSettled(log.written, 90_000);
    expect((await edge.book()).dead).toBe(0);
    expect(await world.proof()).toMatchObject(proven);
  }, 600_000);
}

function repeated<T>(values: readonly T[], times: number): T[] {
  return Array.from({ length: times }, () => values).flat();
}
