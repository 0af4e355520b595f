import { afterEach, describe, expect, test } from "bun:test";
import { seededRandom } from "../../random/random.ts";
import { silent } from "../../telemetry/log.ts";
import { WireBroker } from "../testing/wire-broker.ts";
import type { WireWriter } from "../wire.ts";
import { createKafkajsLink } from "./kafkajs-link.ts";
import type { KafkaLink } from "./link.ts";

const links: KafkaLink[] = [];
afterEach(() => {
  for (const link of links.splice(0)) link.close();
});

function linkTo(...brokers: readonly string[]): KafkaLink {
  const link = createKafkajsLink({
    brokers,
    clientId: "test",
    connectTimeoutMs: 2_000,
    requestTimeoutMs: 300,
    report: silent,
    component: "out",
    random: seededRandom(1),
  });
  links.push(link);
  return link;
}

const versions = { 3: [0, 5] } as const;
const nobody = (to: WireWriter) => void to.int32(0);

/** Metadata, version 5: the cluster's brokers, and a topic of one partition that is led by the one of this index. */
function metadata(brokers: readonly WireBroker[], leader: number) {
  return (to: WireWriter): void => {
    to.int32(0).list([...brokers.entries()], ([index, broker]) => {
      to.int32(index).string("127.0.0.1").int32(broker.port).string(null);
    });
    to.string("cluster-1")
      .int32(leader)
      .list(["driving"], (name) => {
        to.int16(0)
          .string(name)
          .int8(0)
          .list([0], (partition) => {
            to.int16(0).int32(partition).int32(leader);
            for (const replicas of [[0], [0], []]) to.list(replicas, (id) => to.int32(id));
          });
      });
  };
}

async function twoBrokers() {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await WireBroker.listen(versions));
  const second = stack.use(await WireBroker.listen(versions));
  const both = [first, second];
  first.answer = () => metadata(both, 0);
  second.answer = () => metadata(both, 1);
  return { first, second, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe("who is asked about the cluster", () => {
  test("after its word did not hold, another one: a leader that was cut off names itself for ever", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.first.name);
    const cutOff = await link.topic("driving");
    expect(cutOff.leaders[0]?.port).toBe(cluster.first.port);
    expect(link.asked).toBe(cluster.first.name);
    // Several lanes say so of the same answer: it is one doubt.
    link.askOthersFirst(cutOff.askedBroker);
    link.askOthersFirst(cutOff.askedBroker);
    expect((await link.topic("driving")).leaders[0]?.port).toBe(cluster.second.port);
    expect(link.asked).toBe(cluster.second.name);
    expect((await link.topic("driving")).askedBroker).toBe(cluster.second.name);
  });

  test("those that the cluster named, when all of the config are dead", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.first.name);
    await link.topic("driving");
    await cluster.first[Symbol.asyncDispose]();
    // The first question may still find out that the connection is gone.
    await link.topic("driving").catch(() => {});
    expect((await link.topic("driving")).askedBroker).toBe(cluster.second.name);
  });

  test("another one after a question that was not answered in time", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.first.name);
    await link.topic("driving");
    cluster.first.answer = () => undefined;
    await expect(link.topic("driving")).rejects.toMatchObject({ code: "KAFKA_UNREACHABLE" });
    expect((await link.topic("driving")).askedBroker).toBe(cluster.second.name);
  });

  test("another one after an answer that cannot be read", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.first.name);
    await link.topic("driving");
    cluster.first.answer = () => nobody;
    await expect(link.topic("driving")).rejects.toMatchObject({ code: "KAFKA_UNREACHABLE" });
    expect((await link.topic("driving")).askedBroker).toBe(cluster.second.name);
  });
});
