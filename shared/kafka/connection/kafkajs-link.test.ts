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

const versions = { 3: [0, 7], 22: [0, 6] } as const;
const nobody = (to: WireWriter) => void to.int32(0);

/** Metadata, version 7: the cluster's brokers, and a topic of one partition that is led by the one of this index. */
function metadata(brokers: readonly WireBroker[], leader: number, epoch: number) {
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
            to.int16(0).int32(partition).int32(leader).int32(epoch);
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
  first.answer = () => metadata(both, 0, 3);
  second.answer = () => metadata(both, 1, 4);
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

  test("the one that knows the latest leader, when another one does not", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.first.name);
    await link.topic("driving");
    link.askOthersFirst(cluster.first.name);
    await link.topic("driving");
    // Back to the first one, which still names itself: its count of leaders gives it away.
    link.askOthersFirst(cluster.second.name);
    expect((await link.topic("driving")).leaders[0]?.port).toBe(cluster.second.port);
    expect(link.asked).toBe(cluster.second.name);
  });

  test("a topic that was made anew counts its leaders anew: all say so, and it is believed", async () => {
    await using cluster = await twoBrokers();
    const link = linkTo(cluster.second.name);
    expect((await link.topic("driving")).leaderEpochs).toEqual([4]);
    cluster.first.answer = () => metadata([cluster.first, cluster.second], 0, 0);
    cluster.second.answer = cluster.first.answer;
    for (let time = 0; time < 2; time++) {
      const { length } = [...cluster.first.asked, ...cluster.second.asked].filter((each) => each === "3.7");
      expect((await link.topic("driving")).leaderEpochs).toEqual([0]);
      const asked = [...cluster.first.asked, ...cluster.second.asked].filter((each) => each === "3.7");
      // Once everybody, with the question that opens a connection; then only one.
      expect(asked.length - length).toBe(time === 0 ? 3 : 1);
    }
  });
});

test("the highest version that both speak is asked for: some brokers refuse the lower ones that they announce", async () => {
  await using cluster = await twoBrokers();
  const link = linkTo(cluster.first.name);
  const [node] = (await link.topic("driving")).leaders;
  if (node === undefined) throw new Error("no leader");
  cluster.first.answer = ({ apiKey, version }) => {
    if (apiKey !== 22) return undefined;
    const refused = version < 3;
    return (to) => {
      if (version >= 2) to.tags(); // of the header
      to.int32(0)
        .int16(refused ? -1 : 0)
        .int64(refused ? -1 : 77)
        .int16(refused ? -1 : 0);
      if (version >= 2) to.tags();
    };
  };
  expect(await link.initProducerId(node)).toEqual({ errorCode: 0, producerId: 77n, producerEpoch: 0 });
});

test("a request that the broker does not have in any of our versions says so, and the connection lives", async () => {
  await using cluster = await twoBrokers();
  const link = linkTo(cluster.first.name);
  const [node] = (await link.topic("driving")).leaders;
  if (node === undefined) throw new Error("no leader");
  await expect(link.endOffset(node, "driving", 0)).rejects.toMatchObject({ code: "KAFKA_VERSION" });
  expect(link.connected).toBe(true);
});
